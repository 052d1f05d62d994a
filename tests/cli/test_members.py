"""``members``: the directory."""

import pytest


def members(pointbell, text, *options, name="members.csv"):
    return ("members", "import", pointbell.write(name, text), *options)


def test_a_file_comes_in_and_is_found_again(pointbell):
    shown = pointbell(*members(pointbell, "id,email,aliases\nm-1,anna@example.org,crm-1\n"))
    assert shown == "1 member imported, 0 lines rejected.\n"
    for name in ("m-1", "crm-1", "anna@example.org", "ANNA@example.org"):
        assert pointbell.json("members", "show", name)["id"] == "m-1"


def test_rejected_lines_are_named_and_the_others_come_in(pointbell):
    shown = pointbell(*members(pointbell, "id,email\n,a@example.org\nm-2,b@example.org\nm-3,b@\n"), code=1)
    assert shown.splitlines() == [
        "line 2: there is no id",
        'line 4: email "b@" is not an address that can be written to',
        "1 member imported, 2 lines rejected.",
    ]
    assert pointbell.json("members", "show", "m-2")["email"] == "b@example.org"


def test_twenty_rejected_lines_are_named_and_json_lists_all(pointbell):
    text = "id\n" + "m\x00\n" * 25
    shown = pointbell(*members(pointbell, text), code=1)
    assert "... and 5 more (--json and --rejects list all)" in shown
    told = pointbell.json(*members(pointbell, text), code=1)
    assert (told["accepted"], told["rejected"], told["dry_run"]) == (0, 25, False)
    assert told["rejections"][24] == {
        "file": "members.csv",
        "line": 26,
        "column": "id",
        "reason": "id holds an invisible control character",
    }


def test_where_json_does_not_list_all_nobody_is_told_so(pointbell, monkeypatch):
    monkeypatch.setattr("engine.cli.rejects.KEPT", 24)
    shown = pointbell(*members(pointbell, "id\n" + "m\x00\n" * 25), code=1)
    assert "... and 5 more (--rejects lists all)" in shown


def test_a_dry_run_writes_nothing_and_needs_no_database(pointbell):
    shown = pointbell(*members(pointbell, "id\nm-1\n", "--dry-run"))
    assert shown.splitlines() == [
        "1 new member, 0 known.",
        "New members without an e-mail address: 1.",
        "1 row would be imported, 0 lines rejected.",
    ]
    assert not (pointbell.folder / "var").exists()


def test_more_than_one_batch_comes_in(pointbell):
    shown = pointbell(*members(pointbell, "id\n" + "".join(f"m-{number}\n" for number in range(1_234))))
    assert shown == "1234 members imported, 0 lines rejected.\n"
    assert pointbell.json("status")["members"] == 1_234


def test_an_empty_cell_does_not_erase_what_is_known(pointbell):
    pointbell(*members(pointbell, "id,email,first_name\nm-1,anna@example.org,Anna\n"))
    pointbell(*members(pointbell, "id,email,first_name\nm-1,,Ania\n"))
    known = pointbell.json("members", "show", "m-1")
    assert (known["email"], known["first_name"]) == ("anna@example.org", "Ania")


def test_the_later_of_two_lines_about_a_member_wins(pointbell):
    pointbell(*members(pointbell, "id,first_name\nm-1,Zoe\nm-1,Anna\n"))
    assert pointbell.json("members", "show", "m-1")["first_name"] == "Anna"


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("id,e_mail\n", (), 'unknown column "e_mail" (did you mean "email"?)'),
        ("email\n", (), "there is no column id"),
        ("", (), "the file is empty"),
        ("id\nm\n", ("--encoding", "klingon"), "there is no encoding klingon"),
        ("[]", ("--format", "xml"), "xml"),
    ],
)
def test_a_file_that_cannot_be_used_at_all_ends_with_2(text, options, why, pointbell):
    pointbell(*members(pointbell, text, *options), code=2)
    assert why in pointbell.said
    assert not (pointbell.folder / "var" / "pointbell.db").exists() or pointbell.json("status")["members"] == 0


def test_unknown_columns_can_be_left_out(pointbell):
    pointbell(*members(pointbell, "id,shoe\nm-1,44\n", "--ignore-unknown"))


def test_json_lines_are_recognised(pointbell):
    pointbell(*members(pointbell, '{"id": "m-1", "first_name": "Anna"}\n', name="members.jsonl"))
    assert pointbell.json("members", "show", "m-1")["first_name"] == "Anna"


def test_standard_input_is_a_file(pointbell):
    done = pointbell.process("members", "import", "-", "-c", pointbell.folder, stdin="id,name\nm,Łukasz\n".encode())
    assert (done.returncode, done.stdout) == (0, b"1 member imported, 0 lines rejected.\n")


def test_show_lists_what_is_known_of_member_and_cards(history):
    shown = history("members", "show", "jack@example.org")
    assert "first_name  Jack" in shown
    assert "next_expiration_date    2026-01-31" in shown
    assert history.json("members", "show", "L0y4L")["cards"][0]["code"] == "L0y4L"


def test_an_unknown_member_is_met_with_names_that_are_close(history):
    history("members", "show", "anne", code=1)
    assert "there is no member anne" in history.said
    assert "Did you mean:\n  anna" in history.said


def test_members_are_counted_not_lines(pointbell):
    text = "id,email,aliases\nm-1,a@example.org,crm-1\nm-2,,\nm-1,b@example.org,\ncrm-1,,\n"
    shown = pointbell(*members(pointbell, text))
    assert shown == "2 members imported in 4 lines, 0 lines rejected.\n"
    assert pointbell.json("status")["members"] == 2


def test_whoever_must_not_be_written_to_is_counted(pointbell):
    pointbell("suppress", "add", "a@example.org")
    told = pointbell.json(*members(pointbell, "id,email\nm-1,A@example.org\nm-2,\n", "--dry-run"))["forecast"]
    assert told == {"members": {"new": 2, "known": 0, "repeated_lines": 0}, "no_address": 1, "suppressed": 1}


def test_metadata_that_a_file_does_not_name_stays(pointbell):
    pointbell(*members(pointbell, "id,metadata.shop,metadata.vip\nm-1,12,yes\n"))
    pointbell(*members(pointbell, "id,metadata.shop\nm-1,13\n"))
    assert pointbell.json("members", "show", "m-1")["metadata"] == {"shop": "13", "vip": "yes"}
