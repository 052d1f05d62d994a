"""``cards import``: the forecast first, then the cards, and nobody is mailed."""

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from engine.cli import imports as importing
from engine.errors import OfficeError

HEADER = "card,holder,balance,next_expiration_date,next_expiration_points,sent\n"
TODAY = datetime.now(UTC).date()
FAR = TODAY + timedelta(days=50)
FARTHER = TODAY + timedelta(days=300)


def cards(pointbell, *rows, name="cards.csv"):
    return pointbell.write(name, HEADER + "".join(f"{row}\n" for row in rows))


def many(count, day=FAR):
    return [f"c{number},m{number},500,{day},70," for number in range(count)]


def armed(pointbell):
    return {(row["subject"], row["slot"]) for row in pointbell.json("timers", "--limit", 10_000)}


def test_the_forecast_says_what_the_import_then_does(pointbell):
    pointbell("members", "import", pointbell.write("m.csv", "id,email\nm1,a@example.org\nm2,b@example.org\n"))
    pointbell("suppress", "add", "b@example.org")
    file = cards(
        pointbell,
        f"c1,m1,500,{FAR},70,30 days",
        f"c2,m2,500,{FARTHER},70,",
        f"c3,m3,500,{FARTHER},,14 days",
        "c4,m4,500,9999-12-31,70,",
        "c5,m5,500,2020-01-01,70,",
        f"c6,m6,0,{FAR},70,",
        "c7,m7,500,,70,",
    )
    told = pointbell.json("cards", "import", file, "--dry-run")["forecast"]
    assert told["cards"] == {"new": 7, "known": 0, "changed": 0, "repeated_lines": 0}
    assert told["reminders"]["points-expire-soon"] == {
        "30 days": {"armed": 2, "sent": 1},
        "7 days": {"armed": 3},
        "1 day": {"armed": 3},
    }
    assert told["without_reminder"] == {"no_date": 1, "never": 1, "date_past": 1, "nothing_at_risk": 1}
    assert (told["armed"], sum(told["days"].values()), told["later"]) == (8, 2, 6)
    assert (told["no_address"], told["suppressed"], told["without_points"], told["sent_before"]) == (1, 1, 1, 1)
    assert told["sent_of_no_rule"] == {"14 days": 1}
    assert told["busiest_hour"]["reminders"] == 2
    assert pointbell.json("status")["cards"] == 0, "a dry run changes nothing"
    done = pointbell.json("cards", "import", file)
    assert (done["new"], done["armed"], done["follow"]) == (7, 8, 0)
    assert len(armed(pointbell)) == 8
    assert pointbell.json("status")["notifications"] == {}


def test_the_forecast_can_be_read(pointbell):
    shown = pointbell("cards", "import", cards(pointbell, *many(3)), "--dry-run")
    lines = shown.splitlines()
    assert lines[0] == "3 new cards, 0 known, of which 0 changed."
    assert "  points-expire-soon, 30 days before: 3 to come" in lines
    assert any("█" in line and line.endswith("  3") for line in lines)
    assert any(line.startswith("Busiest hour: ") and line.endswith(", 3 reminders.") for line in lines)
    assert lines[-1] == "3 rows would be imported, 0 lines rejected."


def test_a_dry_run_needs_no_database(pointbell):
    pointbell("cards", "import", cards(pointbell, *many(1)), "--dry-run")
    assert not (pointbell.folder / "var").exists()


def test_bad_lines_are_named_all_of_them_kept_and_the_others_come_in(pointbell):
    file = cards(pointbell, *many(1), *(f"b{number},m,x,," + "," for number in range(25)))
    shown = pointbell("cards", "import", file, "--rejects", "bad.csv", code=1)
    assert 'line 3: balance "x" is not a number' in shown
    assert "... and 5 more (bad.csv has all)" in shown
    assert shown.splitlines()[-1] == "1 card imported: 1 new, 0 changed, 3 reminders armed, 25 lines rejected."
    rejects = (pointbell.folder / "bad.csv").read_text(encoding="utf-8").splitlines()
    assert len(rejects) == 26
    assert rejects[:2] == ["file,line,column,reason", 'cards.csv,3,balance,"balance ""x"" is not a number"']


def test_rejected_lines_of_the_run_before_are_not_taken_for_those_of_this_one(pointbell):
    pointbell("cards", "import", cards(pointbell, "b,m,x,,,"), "--rejects", "bad.csv", code=1)
    pointbell("cards", "import", cards(pointbell, *many(1)), "--rejects", "bad.csv")
    assert (pointbell.folder / "bad.csv").read_bytes() == b"file,line,column,reason\r\n"


def test_rejected_lines_are_not_written_over_the_file_they_come_from(pointbell):
    file = cards(pointbell, "b,m,x,,,")
    before = (pointbell.folder / file).read_bytes()
    pointbell("cards", "import", file, "--rejects", pointbell.folder / "." / "cards.csv", code=2)
    assert "cards.csv is to be read: --rejects needs another file" in pointbell.said
    assert (pointbell.folder / file).read_bytes() == before


def test_rejected_lines_that_cannot_be_written_are_a_foreseen_end(pointbell):
    pointbell("cards", "import", cards(pointbell, "b,m,x,,,"), "--rejects", "/dev/full", code=2)
    assert "cannot write /dev/full: No space left on device" in pointbell.said


def test_strict_refuses_the_whole_file_for_one_line(pointbell):
    pointbell("cards", "import", cards(pointbell, *many(3), "x,,,,,"), "--strict", code=1)
    assert "nothing is imported: 1 line cannot be used (--strict)" in pointbell.said
    assert not (pointbell.folder / "var").exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--as-of", "tomorrow"), "--as-of"),
        (("--as-of", "2999-01-01"), "is still to come"),
        (("--date-format", "%H"), "does not tell days"),
        (("--rejects", "no/such/folder.csv"), "cannot write no/such/folder.csv"),
    ],
)
def test_options_that_cannot_be_meant_end_with_2(options, why, pointbell):
    pointbell("cards", "import", cards(pointbell, "x,,,,,"), *options, code=2)
    assert why in pointbell.said


def test_running_it_twice_changes_nothing_and_says_so(pointbell):
    file = cards(pointbell, *many(3))
    pointbell("cards", "import", file)
    before = armed(pointbell)
    shown = pointbell("cards", "import", file)
    assert "3 cards imported: 0 new, 0 changed, 0 reminders armed" in shown
    assert "was imported on" in pointbell.said
    assert armed(pointbell) == before


def test_a_run_that_was_broken_off_goes_on_after_its_last_batch(pointbell, monkeypatch):
    monkeypatch.setattr(importing, "ALONE", 10)
    file = cards(pointbell, *many(35))
    hand_in, asked = importing.Where, []

    def unplugged(**said):
        asked.append(said["rows"])
        if len(asked) == 3:
            raise OfficeError("the daemon ended before it answered")
        return hand_in(**said)

    with monkeypatch.context() as pulled:
        pulled.setattr(importing, "Where", unplugged)
        pointbell("cards", "import", file, code=2)
    done = pointbell.json("status")["cards"]
    assert done in {10, 20}
    shown = pointbell("cards", "import", file)
    assert f"going on after row {done}, " in pointbell.said
    assert f"{35 - done} new, 0 changed" in shown
    assert len(armed(pointbell)) == 35 * 3


def test_restart_begins_anew(pointbell):
    file = cards(pointbell, *many(3))
    pointbell("cards", "import", file)
    assert "0 new, 0 changed" in pointbell("cards", "import", file, "--restart")


def test_several_files_come_in_together(pointbell):
    one, two = cards(pointbell, *many(1)), cards(pointbell, f"z,m,500,{FAR},70,", "bad", name="two.csv")
    shown = pointbell("cards", "import", one, two, code=1)
    assert "two.csv, line 3: it has 1 columns, the header has 6" in shown or "line 3: it has 1 columns" in shown
    assert "2 cards imported: 2 new" in shown


def test_a_newer_file_moves_the_reminders_of_known_cards(pointbell):
    pointbell("cards", "import", cards(pointbell, *many(2)))
    again = cards(pointbell, *many(2, FARTHER), name="newer.csv")
    assert pointbell.json("cards", "import", again, "--dry-run")["forecast"]["known_cards_that_follow"] == 2
    shown = pointbell("cards", "import", again)
    assert "0 new, 2 changed, 0 reminders armed, the reminders of 2 known cards follow" in shown
    assert {row["about"] for row in pointbell.json("timers")} == {FARTHER.isoformat()}
    assert "moved 3 reminders" in pointbell("why", "m0")


def test_why_tells_which_file_a_card_came_from_and_what_was_not_armed(pointbell):
    soon = TODAY + timedelta(days=20)
    pointbell("cards", "import", cards(pointbell, f"c1,m1,500,{soon},70,"))
    pointbell("members", "import", pointbell.write("m.csv", "id,first_name\nm1,Anna\n"))
    shown = pointbell("why", "m1")
    assert "card c1 came in from cards.csv, as of" in shown
    assert f"not armed: 30 days before {soon} (too late)" in shown
    assert "the member came in from m.csv, as of" in shown


def test_standard_input_can_be_read_twice(pointbell):
    text = (HEADER + f"c1,m1,500,{FAR},70,\n").encode()
    done = pointbell.process("cards", "import", "-", "-c", pointbell.folder, stdin=text)
    assert done.returncode == 0
    assert b"1 card imported: 1 new, 0 changed, 3 reminders armed" in done.stdout
    assert b"1 new card, 0 known" in done.stderr


@pytest.mark.parametrize(("answer", "code", "came"), [(b"n\n", 1, 0), (b"y\n", 0, 1)])
def test_on_a_terminal_somebody_has_to_agree(answer, code, came, pointbell):
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "engine", "cards", "import", str(cards(pointbell, *many(1)))]
    environ = {**os.environ, "PYTHONPATH": str(pointbell._root)}
    os.write(leader, answer)
    done = subprocess.run(command, stdin=follower, capture_output=True, cwd=pointbell.folder, env=environ)  # noqa: PLW1510 - the code is looked at below
    os.close(leader)
    os.close(follower)
    assert done.returncode == code, done.stderr
    assert b"1 new card" in done.stderr, "the forecast comes before the question"
    assert b"Import cards?" in done.stderr
    assert (came == 1) == (b"1 card imported" in done.stdout)


def test_a_file_of_yesterday_is_asked_when_it_was_written(pointbell):
    file = cards(pointbell, *many(1))
    day_before = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(file, (day_before, day_before))
    pointbell("cards", "import", file, "--dry-run")
    assert "counts as of now: --as-of says when it was written" in " ".join(pointbell.said.split())
    pointbell("cards", "import", file, "--dry-run", "--as-of", f"{TODAY - timedelta(days=1)}")
    assert "--as-of" not in pointbell.said


def test_further_lines_about_a_card_are_counted_apart(pointbell):
    file = cards(pointbell, *many(2), *many(1))
    told = pointbell.json("cards", "import", file, "--dry-run")["forecast"]
    assert told["cards"] == {"new": 2, "known": 0, "changed": 0, "repeated_lines": 1}
    assert told["armed"] == 6
