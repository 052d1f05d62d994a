"""``new rule``: what it writes is sound at once, and nothing is overwritten."""

import shutil

import pytest

from engine.cli.new import ERASING
from engine.config import load_config
from engine.language.schema import GROUPS
from engine.model import EVENT_NAMES
from engine.tools.scaffold import DATE, Wanted, scaffold, write_new


def add(folder, ruleset, **wanted):
    files = scaffold(Wanted(**{"channel": "email", **wanted}), ruleset)
    write_new(folder, files)
    return files


def test_a_new_rule_passes_its_check_and_its_test_as_it_is(pointbell):
    written = pointbell("new", "rule", "points-spent", "--on", "points_redeemed").splitlines()
    assert written == [
        "rules/points-spent.yaml",
        "templates/points-spent/email.en.html",
        "templates/points-spent/email.en.txt",
        "templates/points-spent/email.pl.html",
        "templates/points-spent/email.pl.txt",
        "tests/timelines/points-spent.yaml",
    ]
    assert "Then: pointbell check && pointbell test -k points-spent" in pointbell.said
    assert pointbell("check") == ""
    assert pointbell("test", "-k", "points-spent", "--coverage").startswith("2 tests: 2 passed")
    assert '"points-spent"' in (pointbell.folder / ".pointbell" / "rules.schema.json").read_text("utf-8")
    rule = (pointbell.folder / "rules" / "points-spent.yaml").read_text("utf-8")
    assert rule.splitlines()[0] == "# yaml-language-server: $schema=../.pointbell/rules.schema.json"


@pytest.mark.parametrize(
    "names",
    [
        ["points_transferred", "tier_left", "custom"],
        pytest.param([name for name in (*EVENT_NAMES, *GROUPS) if name != ERASING], marks=pytest.mark.prove),
    ],
    ids=["some", "all"],
)
def test_one_for_every_event_group_and_date_passes(pointbell, names):
    (pointbell.folder / "tests" / "timelines" / "points.yaml").unlink()
    ruleset = load_config(pointbell.folder / "config.yaml").ruleset()
    for name in names:
        add(pointbell.folder, ruleset, name=name, events=(name,))
    add(pointbell.folder, ruleset, name="reminder", events=())
    add(pointbell.folder, ruleset, name="both", events=("points_in", "points_redeemed"), channel="sms")
    assert pointbell("check") == ""
    assert pointbell("test") == f"{2 * (len(names) + 2)} tests: {2 * (len(names) + 2)} passed\n"


def test_nothing_is_overwritten_and_nothing_half_written(pointbell):
    taken = pointbell.folder / "templates" / "points-spent"
    taken.mkdir()
    (taken / "email.pl.txt").write_text("---\nsubject: Moje\n---\nMoje\n", encoding="utf-8")
    pointbell("new", "rule", "points-spent", "--on", "points_redeemed", code=2)
    assert "templates/points-spent/email.pl.txt is already there" in pointbell.said
    assert not (pointbell.folder / "rules" / "points-spent.yaml").exists()
    pointbell("new", "rule", "points-expired", "--on", "points_redeemed", code=2)
    assert "there is a rule points-expired already, in rules/points-expired.yaml:2" in pointbell.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "poits_redeemed"], 'there is no event "poits_redeemed": did you mean "points_redeemed"?'),
        (["--on", "member_deleted"], "of member_deleted nobody can be told"),
        (["--before", "card.next_expiry"], f'did you mean "{DATE}"?'),
        ([], "say when it applies: --on EVENT, or --before"),
        (["--on", "points_redeemed", "--before", DATE], "say when it applies"),
        (["--on", "points_redeemed", "--channel", "emial"], 'did you mean "email"?'),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_may_be(words, said, pointbell):
    pointbell("new", "rule", "news", *words, code=2)
    assert said in " ".join(pointbell.said.split())


def test_a_name_that_is_none_is_refused_with_the_nearest(pointbell):
    pointbell("new", "rule", "Points Spent!", "--on", "points_redeemed", code=2)
    assert "write points-spent" in pointbell.said


def test_a_producers_own_name_of_an_event_becomes_the_neutral_one(pointbell):
    pointbell("new", "rule", "gone", "--on", "customer.voucher.loyalty_card.points_expired")
    assert "\non: points_expired\n" in (pointbell.folder / "rules" / "gone.yaml").read_text("utf-8")


def test_a_programme_without_layouts_and_default_category_gets_what_it_needs(pointbell):
    shutil.rmtree(pointbell.folder / "templates")
    shutil.rmtree(pointbell.folder / "rules")
    shutil.rmtree(pointbell.folder / "tests")
    (pointbell.folder / "rules").mkdir()
    pointbell.write("rules/shared.yaml", "categories:\n  ads: {consent: opt_in}\n  news: {consent: opt_out}\n")
    pointbell.replace("config.yaml", "locale: en ", "locale: pl ")
    files = pointbell("new", "rule", "tier", "--on", "tier_upgraded").splitlines()
    assert "templates/tier/email.pl.html" in files
    assert "write it in Polish" in (pointbell.folder / "templates" / "tier" / "email.pl.html").read_text("utf-8")
    assert "\ncategory: news\n" in (pointbell.folder / "rules" / "tier.yaml").read_text("utf-8")
    assert pointbell("check") == ""
    assert pointbell("test") == "1 test: 1 passed\n"
