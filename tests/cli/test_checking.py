"""``check``: annotations for GitHub, and checking again on every change."""

from dataclasses import replace

import pytest

from engine.cli.checking import _Sources, difference, report_changes
from engine.ruleset import Diagnostic
from engine.ruleset.diagnostics import to_github
from engine.tools import trying

FOUND = Diagnostic(file="rules/a.yaml", line=3, column=11, code="PB204", message="unknown", source_line="if: x")


def test_github_shows_findings_beside_the_lines(pointbell):
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    [line] = pointbell("check", "--format", "github", code=1).splitlines()
    properties, _, said = line.removeprefix("::error ").partition("::")
    assert properties.endswith("rules/points-expired.yaml,line=4,col=11,title=PB204")
    assert said == 'unknown field "poins" on event; did you mean "points"?'


def test_a_mistake_in_a_test_is_found_by_check_too(pointbell):
    pointbell.replace("tests/timelines/points.yaml", "rule: tier-reached", "rule: tier-reachd")
    shown = pointbell("check", code=1)
    assert 'error[PB631] unknown rule "tier-reachd"' in shown
    assert 'did you mean "tier-reached"?' in shown


def test_every_message_is_worded_for_members_who_do_not_exist(pointbell):
    pointbell.write("templates/tier-reached/email.en.txt", "{{ 1 / card.balance }}\n")
    shown = pointbell("check", code=1)
    assert shown.startswith("templates/tier-reached/email.en.txt:1:1: warning[PB417] division by zero (for a member of")


def test_what_takes_too_long_to_try_is_told(pointbell, monkeypatch):
    monkeypatch.setattr(trying, "LONGEST", -1.0)
    assert pointbell("check") == ""
    assert "Of 8 messages nobody knows how they read" in pointbell.said


def test_files_are_named_from_the_repositorys_folder(pointbell, monkeypatch):
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    folder = pointbell.folder
    monkeypatch.chdir(folder.parent)
    assert f"file={folder.name}/rules/points-expired.yaml," in pointbell("check", folder, "--format", "github", code=1)
    monkeypatch.chdir(folder)
    assert "file=rules/points-expired.yaml," in pointbell("check", ".", "--format", "github", code=1)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (replace(FOUND, message="50 %,\nthen: more"), "::50 %25,%0Athen: more"),
        (replace(FOUND, message="a\r\nb"), "::a%0D%0Ab"),
        (replace(FOUND, file="rules/a,b:c%.yaml"), "::error file=rules/a%2Cb%3Ac%25.yaml,line=3,"),
    ],
)
def test_what_would_end_an_annotation_is_escaped(found, expected):
    assert expected in to_github([found])


def test_a_finding_that_moves_is_no_change():
    moved, other = replace(FOUND, line=9), replace(FOUND, source_line="if: y")
    assert difference([FOUND], [moved]) == ((), ())
    assert difference([FOUND], [moved, other]) == ((other,), ())
    assert difference([FOUND, other], [other]) == ((), (FOUND,))


def test_two_findings_alike_of_which_one_is_mended():
    twin = replace(FOUND, line=7)
    assert difference([FOUND, twin], [FOUND]) == ((), (twin,))


def test_only_what_a_change_brought_and_mended_is_printed(pointbell, capsys):
    def changes():
        pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
        yield "broken"
        yield "nothing new"
        pointbell.replace("rules/points-expired.yaml", "event.poins", "event.points")
        yield "mended"

    report_changes(pointbell.folder, (), changes())
    out, said = capsys.readouterr()
    assert out.count("PB204") == 2
    assert out.index("error[PB204]") < out.index("mended: rules/points-expired.yaml:4: [PB204]")
    assert said.splitlines() == ["Now 1 error.", "Now no problems."]


def test_a_programme_that_disappears_for_a_moment_is_told_and_watched_on(pointbell, capsys):
    def changes():
        path = pointbell.folder / "config.yaml"
        kept = path.read_bytes()
        path.unlink()
        yield "gone"
        path.write_bytes(kept)
        pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
        yield "back"

    report_changes(pointbell.folder, (), changes())
    out, said = capsys.readouterr()
    assert "cannot read" in said
    assert "PB204" in out


def test_the_database_beside_the_files_is_not_watched(tmp_path):
    ours = _Sources(tmp_path)
    watched = ("rules/a.yaml", "templates/a/email.en.html", "config.yaml", "lists/staff.csv")
    assert all(ours("modified", str(tmp_path / name)) for name in watched)
    assert not any(ours("modified", str(tmp_path / name)) for name in ("pointbell.db", "pointbell.db-wal", "out/x.eml"))


def test_watching_talks_to_people_only(pointbell):
    pointbell("check", "--watch", "--format", "json", code=2)
    assert "--watch" in pointbell.said
