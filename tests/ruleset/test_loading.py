"""A folder becomes one checked ruleset, or nothing does."""

import os
from datetime import UTC, datetime

import pytest

from engine.errors import RulesetInvalid
from engine.model import Event
from engine.ruleset import load_ruleset
from engine.ruleset.load import fingerprint

from .programme import PROGRAMME, RULE, SPELLINGS, write

OTHER = "rule: removed\non: points_out\nsend: points-expired\n"
REMINDER = "rule: soon\non: {before: card.next_expiration_date, by: [7 days], at: 09:00}\nsend: points-expire-soon\n"


def load(root):
    return load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get)


def refused(root):
    with pytest.raises(RulesetInvalid) as invalid:
        load(root)
    return [(found.file, found.line, found.column, found.code) for found in invalid.value.diagnostics]


def test_rules_are_found_by_event_and_by_name(tmp_path):
    ruleset = load(write(tmp_path, {"rules/a.yaml": RULE, "rules/b.yml": OTHER, "rules/c.yaml": REMINDER}))
    assert [rule.name for rule in ruleset.rules] == ["points-expired", "removed", "soon"]
    assert [rule.name for rule in ruleset.by_event["points_expired"]] == ["points-expired", "removed"]
    assert [rule.name for rule in ruleset.by_event["points_redeemed"]] == ["removed"]
    assert [rule.name for rule in ruleset.reminders] == ["soon"]
    assert ruleset.rule("removed") is ruleset.rules[1]
    assert ruleset.rule("gone") is None
    assert ruleset.templates.choose("points-expired", "email", "pl-PL").locale == "pl"


def test_a_rule_about_points_going_out_does_not_hear_a_transfer_in(tmp_path):
    ruleset = load(write(tmp_path, {"rules/b.yaml": OTHER}))
    transfers = {
        direction: Event(
            key="1",
            source="shop",
            name="points_transferred",
            producer_name="x",
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
            happening=None,
            facts={"direction": direction},
        )
        for direction in ("in", "out")
    }
    heard = {direction: [rule.name for rule in ruleset.listening(event)] for direction, event in transfers.items()}
    assert heard == {"in": [], "out": ["removed"]}


def test_what_is_no_rule_file_is_left_alone(tmp_path):
    others = {"rules/.hidden.yaml": "{", "rules/README.md": "# {", "rules/a.yaml~": "{", "rules/.git/x.yaml": "{"}
    assert [rule.name for rule in load(write(tmp_path, {"rules/a.yaml": RULE, **others})).rules] == ["points-expired"]


def test_rules_in_a_folder_within_the_folder_draw_a_warning(tmp_path):
    ruleset = load(write(tmp_path, {"rules/a.yaml": RULE, "rules/old/b.yaml": OTHER}))
    assert [(found.file, found.code, found.severity.value) for found in ruleset.warnings] == [
        ("rules/old", "PB505", "warning")
    ]


def test_a_file_that_is_no_rule_file_draws_a_warning(tmp_path):
    ruleset = load(write(tmp_path, {"rules/a.yaml": RULE, "rules/foo.txt": OTHER, "rules/notes.md": "x"}))
    assert [(found.file, found.code, found.severity.value) for found in ruleset.warnings] == [
        ("rules/foo.txt", "PB505", "warning")
    ]


def test_no_rule_at_all_draws_a_warning(tmp_path):
    (tmp_path / "rules").mkdir()
    ruleset = load(write(tmp_path, {}))
    assert [(found.file, found.code, found.severity.value) for found in ruleset.warnings] == [
        ("rules", "PB506", "warning")
    ]


def test_words_for_a_channel_that_is_nearly_one_draw_a_warning(tmp_path):
    others = {"templates/points-expired/smss.en.txt": "x", "templates/points-expired/push.en.txt": "x"}
    ruleset = load(write(tmp_path, {"rules/a.yaml": RULE, **others}))
    assert [(found.file, found.code, found.suggestion) for found in ruleset.warnings] == [
        ("templates/points-expired/smss.en.txt", "PB303", 'did you mean "sms"?')
    ]


def test_a_template_that_cannot_be_read_is_not_also_called_missing(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE, "templates/points-expired/email.en.html": b"caf\xe9"})
    assert [code for *_, code in refused(root)] == ["PB402"]


def test_a_ruleset_with_warnings_goes_live_and_keeps_them(tmp_path):
    ruleset = load(write(tmp_path, {"rules/a.yaml": RULE, "rules/b.yaml": "# nothing yet\n"}))
    assert [(found.file, found.code) for found in ruleset.warnings] == [("rules/b.yaml", "PB125")]
    assert len(ruleset.rules) == 1


def test_a_name_used_in_two_files_is_told_with_both_places(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE, "rules/b.yaml": "# mine\n" + RULE})
    with pytest.raises(RulesetInvalid, match=r"b\.yaml:2:7: error\[PB501\].* rules/a\.yaml:1:7"):
        load(root)


def test_a_name_is_taken_even_by_a_rule_with_mistakes(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE.replace("points >=", "pts >="), "rules/b.yaml": RULE})
    assert [code for *_, code in refused(root)] == ["PB204", "PB501"]


def test_everything_wrong_is_told_at_once_in_order_of_place(tmp_path):
    root = write(
        tmp_path,
        {
            "rules/b.yaml": RULE.replace("send: points-expired", "send: points-expird"),
            "rules/a.yaml": "rule: a\non: points_expird\nsnd: points-expired\n",
            "templates/points-expired/email.de.html": "---\nsubject: Punkte\n---\n{% if %}",
        },
    )
    assert refused(root) == [
        ("rules/a.yaml", 2, 5, "PB304"),
        ("rules/a.yaml", 3, 1, "PB150"),
        ("rules/b.yaml", 4, 7, "PB301"),
        ("templates/points-expired/email.de.html", 4, 1, "PB404"),
    ]


def test_a_template_with_mistakes_is_not_also_called_missing(tmp_path):
    broken = {"templates/points-expired/email.en.html": "---\nsubject: x\n---\n{% if %}"}
    assert [code for *_, code in refused(write(tmp_path, {"rules/a.yaml": RULE, **broken}))] == ["PB404"]


def test_mistakes_in_shared_definitions_are_refused_not_ignored(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE, "rules/shared.yaml": "caps:\n  marketing: {at_most: 3}\n"})
    assert refused(root) == [("rules/shared.yaml", 2, 15, "PB151")]


def test_a_folder_without_rules_is_told(tmp_path):
    assert refused(tmp_path) == [("rules", 1, 1, "PB126")]


def test_a_link_that_leads_nowhere_is_told(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE})
    (root / "rules" / "b.yaml").symlink_to(root / "nowhere.yaml")
    assert refused(root) == [("rules/b.yaml", 1, 1, "PB126")]


def test_a_pipe_among_the_rules_is_not_waited_for(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE})
    os.mkfifo(root / "rules" / "b.yaml")
    assert refused(root) == [("rules/b.yaml", 1, 1, "PB126")]


def test_a_file_above_the_limit_is_told(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": RULE + "#" * (1 << 20)})
    assert refused(root) == [("rules/a.yaml", 1, 1, "PB104")]


def test_the_same_files_have_the_same_hash_wherever_they_lie(tmp_path):
    one = write(tmp_path / "one", {"rules/a.yaml": RULE, "rules/b.yaml": OTHER})
    two = write(tmp_path / "two", {"rules/b.yaml": OTHER, "rules/a.yaml": RULE, "rules/.hidden.yaml": "x"})
    assert load(one).hash == load(two).hash


@pytest.mark.parametrize(
    "change",
    [
        {"rules/a.yaml": RULE + "# said more\n"},
        {"rules/c.yaml": OTHER},
        {"templates/points-expired/email.pl.html": "---\nsubject: Punkty\n---\n<p>Inne</p>\n"},
        {"templates/layouts/plain.html": "<p>{% block body %}{% endblock %}</p>\n"},
        {"templates/strings.en.yaml": "hello: Hello\n"},
    ],
)
def test_any_change_of_a_file_changes_the_hash(tmp_path, change):
    before = load(write(tmp_path, {"rules/a.yaml": RULE})).hash
    assert load(write(tmp_path, {"rules/a.yaml": RULE} | change)).hash != before


def test_moving_text_from_one_file_to_the_next_changes_the_hash(tmp_path):
    one = write(tmp_path / "one", {"rules/a.yaml": RULE + "# x\n", "rules/b.yaml": OTHER})
    two = write(tmp_path / "two", {"rules/a.yaml": RULE, "rules/b.yaml": "# x\n" + OTHER})
    assert load(one).hash != load(two).hash


def test_the_hash_is_of_paths_and_contents_in_whatever_order_they_come():
    assert fingerprint({"a": b"1", "b": b"2"}) == fingerprint({"b": b"2", "a": b"1"})
    assert fingerprint({"a": b"bc"}) != fingerprint({"ab": b"c"})
