"""``suppress`` and ``consent``: who must not be written to, and who has agreed to what."""

import pytest

EVENT = (
    '{"id": "%s", "type": "points_earned", "member": {"id": "anna", "email": "Anna@example.org"}, '
    '"data": {"points": 40}}'
)


def ingest(pointbell, key):
    return pointbell("ingest", pointbell.write(f"{key}.jsonl", EVENT % key), "--source", "shop")


def test_an_address_is_suppressed_listed_and_allowed_again(pointbell):
    assert pointbell("suppress", "add", "Anna@Example.org", "--reason", "by phone") == "1 address suppressed.\n"
    assert pointbell("suppress", "add", "anna@example.org") == "0 addresses suppressed.\n"
    assert "1 already suppressed" in pointbell.said
    [row] = pointbell.json("suppress", "list", "--like", "EXAMPLE.org")
    assert (row["address"], row["reason"]) == ("anna@example.org", "by phone")
    assert "by phone" in pointbell("suppress", "list")
    assert pointbell("suppress", "remove", "ANNA@example.org") == "anna@example.org is written to again.\n"
    pointbell("suppress", "remove", "anna@example.org", code=1)
    assert "anna@example.org was not suppressed" in pointbell.said
    assert pointbell.json("suppress", "list") == []


def test_nothing_goes_to_a_suppressed_address(pointbell):
    pointbell(
        "suppress", "import", pointbell.write("s.csv", "email,reason,since\nANNA@example.org,bounced,2026-01-02\n")
    )
    ingest(pointbell, "e1")
    assert pointbell.json("status")["notifications"] == {"failed": 1}


@pytest.mark.parametrize("words", [("add", "anna"), ("remove", "a b@example.org")])
def test_what_is_no_address_is_refused(words, pointbell):
    pointbell("suppress", *words, code=2)
    assert "is not an address" in pointbell.said


def test_a_file_of_addresses_says_first_what_it_brings(pointbell):
    file = pointbell.write("s.csv", "address\na@example.org\nA@example.org\nb@example.org\nnobody\n")
    told = pointbell.json("suppress", "import", file, "--dry-run", code=1)
    assert told["forecast"] == {"suppressions": {"new": 2, "known": 0}}
    assert (told["accepted"], told["rejected"]) == (3, 1)
    shown = pointbell("suppress", "import", file, code=1)
    assert shown.splitlines()[-1] == "2 suppressed, 1 were so already, 1 line rejected."
    assert pointbell("suppress", "import", file, code=1).endswith("0 suppressed, 3 were so already, 1 line rejected.\n")


CATEGORIES = """\
categories:
  loyalty: {consent: opt_out}
  news: {consent: opt_out}
  offers: {consent: opt_in}
defaults: {category: loyalty}
"""


def test_a_word_about_a_category_there_is_none_of_is_not_taken_for_one_that_holds(pointbell):
    pointbell.write("rules/shared.yaml", CATEGORIES)
    file = pointbell.write("c.csv", "member,category,granted\nanna,New,no\nanna,offers,no\n")
    shown = pointbell("consent", "import", file, code=1)
    assert 'line 2: there is no category "New" in the rules: did you mean "news"?' in shown


def test_consents_come_in_and_the_latest_word_holds(pointbell):
    pointbell.write("rules/shared.yaml", CATEGORIES)
    pointbell("members", "import", pointbell.write("m.csv", "id,aliases\nanna,crm-1\n"))
    header = "member,category,granted,since,source\n"
    file = pointbell.write(
        "c.csv", f"{header}crm-1,news,yes,2026-01-01,shop\nanna,offers,no,2026-01-01,\nbo,news,y,,\n"
    )
    told = pointbell.json("consent", "import", file, "--dry-run")["forecast"]
    assert told == {"consents": {"granted": 2, "refused": 1, "not_newer": 0}, "of_unknown_members": 1}
    assert "3 consents recorded, 0 not newer" in pointbell("consent", "import", file)
    older = pointbell.write("o.csv", f"{header}anna,news,no,2025-06-01,paper\n")
    assert "0 consents recorded, 1 not newer" in pointbell("consent", "import", older)
    newer = pointbell.write("n.csv", f"{header}anna,news,no,2026-02-01,paper\n")
    assert "1 consents recorded, 0 not newer" in pointbell("consent", "import", newer)
    shown = pointbell.json("consent", "show", "crm-1")
    assert [(row["category"], row["granted"], row["source"]) for row in shown["consents"]] == [
        ("news", False, "paper"),
        ("offers", False, "imported"),
    ]
    assert "news" in pointbell("consent", "show", "anna")


def test_who_has_said_nothing_is_told_so(pointbell):
    pointbell("members", "import", pointbell.write("m.csv", "id\nanna\n"))
    pointbell("consent", "show", "anna")
    assert "anna has not said anything" in pointbell.said


@pytest.mark.parametrize(
    ("command", "text", "why"),
    [
        ("suppress", "adress\nx\n", 'did you mean "address"'),
        ("consent", "member,category\nm,c\n", "there is no column granted"),
    ],
)
def test_a_header_that_cannot_be_used_ends_with_2(command, text, why, pointbell):
    pointbell(command, "import", pointbell.write("x.csv", text), code=2)
    assert why in pointbell.said or "the first line must name the columns" in pointbell.said
