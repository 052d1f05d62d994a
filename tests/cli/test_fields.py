"""``pointbell fields``: what a rule may use, and what could be declared."""

import json

import yaml

from engine.ruleset.declared import read_fields
from engine.ruleset.report import Report
from engine.ruleset.yaml import read_yaml

DECLARED = """
fields:
  member.metadata["region"]: {type: text, one_of: [EMEA, APAC]}
  event.store: {type: text, path: order.store}
"""


def by_path(rows):
    return {row["path"]: row for row in rows}


def declare(pointbell, text=DECLARED):
    path = pointbell.folder / "rules" / "shared.yaml"
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(known + text, encoding="utf-8")


def shop(pointbell, *events):
    text = "\n".join(json.dumps(event) for event in events)
    pointbell("ingest", pointbell.write("events.jsonl", text), "--source", "shop", "--any-age")


def earned(number, **more):
    return {
        "id": f"e{number}",
        "type": "points_earned",
        "member": {"id": f"m{number}", "email": f"m{number}@example.org", "metadata": {"region": "EMEA"}},
        "card": {"id": f"c{number}", "balance": 400 + number},
        "data": {"points": 7},
    } | more


def test_the_fields_of_an_event_have_type_presence_and_example(pointbell):
    rows = by_path(pointbell.json("fields", "points_transferred"))
    assert rows["event.points"] | {"example": ""} == {
        "path": "event.points",
        "type": "number",
        "one_of": [],
        "always": True,
        "declared": False,
        "seen": False,
        "example": "",
    }
    assert rows["event.direction"]["one_of"] == ["in", "out"]
    assert rows["event.reason"]["always"] is False
    assert rows["card.next_expiration_date"]["type"] == "date"
    assert rows["today"]["always"] is True
    assert all(row["example"] for row in rows.values() if row["type"] != "undeclared")


def test_without_an_event_there_is_what_every_rule_may_use(pointbell):
    rows = by_path(pointbell.json("fields"))
    assert "card.balance" in rows
    assert not any(path.startswith("event.") for path in rows)


def test_a_reminder_has_its_date_and_the_days_left(pointbell):
    rows = by_path(pointbell.json("fields", "card.next_expiration_date"))
    assert rows["days_left"]["type"] == "whole number"


def test_examples_are_what_came_in_and_never_a_persons(pointbell):
    declare(pointbell)
    shop(pointbell, earned(1, order={"store": "Warsaw 2"}))
    rows = by_path(pointbell.json("fields", "points_earned"))
    assert (rows["event.points"]["example"], rows["event.points"]["seen"]) == ("7", True)
    assert rows["card.balance"]["example"] == "401"
    assert rows["event.store"] | {"always": False} == rows["event.store"]
    assert (rows["event.store"]["declared"], rows["event.store"]["example"]) == (True, "Warsaw 2")
    assert rows['member.metadata["region"]']["one_of"] == ["EMEA", "APAC"]
    assert "m1" not in json.dumps(rows)
    assert "event.store*" in pointbell("fields", "points_earned")


def test_a_word_is_searched_for(pointbell):
    paths = by_path(pointbell.json("fields", "points_earned", "--search", "EXPIR"))
    assert set(paths) == {
        "card.expired_points",
        "card.next_expiration_points",
        "card.expiring_points",
        "card.next_expiration_date",
    }
    pointbell("fields", "--search", "nonsense")
    assert "No field has nonsense" in pointbell.said


def test_an_event_in_any_spelling_will_do(pointbell):
    neutral = pointbell.json("fields", "points_added")
    assert pointbell.json("fields", "EVENTS.VOUCHER.LOYALTY_CARD.POINTS_ADDED") == neutral
    pointbell("fields", "points_aded_", code=2)
    assert 'did you mean "points_added"?' in pointbell.said


def test_declarations_are_proposed_for_what_came_in(pointbell):
    sizes = (36, 38, 40)
    shop(
        pointbell,
        *(
            earned(
                number,
                member={
                    "id": f"m{number}",
                    "email": f"m{number}@example.org",
                    "metadata": {
                        "status": ("gold", "tin")[number % 2],
                        "shoeSize": sizes[number % 3],
                        "mail": "a@example.org",
                        "firstName": ("Ann", "Bea")[number % 2],
                    },
                },
                order={
                    "store": f"S{number % 4}",
                    "placedOn": f"2026-01-{10 + number % 9}",
                    "tags": ["a", f"t{number % 2}"],
                    "total": number + 0.5,
                },
                first_time=bool(number % 2),
                cashier_name=("Jo", "Al")[number % 2],
                constant="always the same",
            )
            for number in range(60)
        ),
    )
    printed = pointbell("fields", "learn", "--source", "shop")
    fields = yaml.safe_load(printed)["fields"]
    assert fields == {
        'member.metadata["status"]': {"type": "text", "one_of": ["gold", "tin"]},
        'member.metadata["shoeSize"]': {"type": "whole number"},
        'member.metadata["mail"]': {"type": "text"},
        'member.metadata["firstName"]': {"type": "text"},
        "event.store": {"type": "text", "one_of": ["S0", "S1", "S2", "S3"], "path": "order.store"},
        "event.placed_on": {"type": "date", "path": "order.placedOn"},
        "event.tags": {"type": "list of texts", "path": "order.tags"},
        "event.total": {"type": "number", "path": "order.total"},
        "event.first_time": {"type": "yes/no", "path": "first_time"},
        "event.cashier_name": {"type": "text", "path": "cashier_name"},
    }
    assert "# in 60 of 60" in printed
    document = read_yaml(printed.encode(), "shared.yaml")
    report = Report(document.source)
    assert len(read_fields(report, document.root.get("fields"))) == len(fields)
    assert report.findings == []


def test_what_is_proposed_can_be_pasted_and_is_then_known(pointbell):
    shop(pointbell, *(earned(number, order={"store": f"S{number}"}) for number in range(3)))
    printed = pointbell("fields", "learn")
    assert "event.store: {type: text, path: order.store}" in printed
    declare(pointbell, "\n" + printed)
    pointbell("check")
    rows = by_path(pointbell.json("fields", "points_earned"))
    assert rows["event.store"]["declared"]
    assert pointbell("fields", "learn") == ""
    assert "nothing that is not a field already" in pointbell.said


def test_there_may_be_nothing_to_learn_from(pointbell):
    assert pointbell("fields", "learn") == ""
    assert "Looked at 0 events." in pointbell.said
    pointbell("fields", "learn", "--source", "nobody", code=2)
