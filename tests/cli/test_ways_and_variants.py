"""Which variant worded a message, and what stands by for it: told wherever the message is."""

import json

EVENT = {
    "id": "x1",
    "type": "points_expired",
    "member": {"id": "anna", "email": "anna@example.org", "phone": "+48600100200", "first_name": "Anna"},
    "card": {"id": "card-a"},
    "data": {"points": 80},
}
WAYS = "channel: [sms, email]\nvariants: [{name: warm, weight: 100}]\n"


def told(pointbell):
    rule = (pointbell.folder / "rules" / "points-expired.yaml").read_text(encoding="utf-8")
    pointbell.write("rules/points-expired.yaml", rule + WAYS)
    pointbell.write("templates/points-expired/sms.en.txt", "{{ event.points }} points expired.\n")
    return pointbell.write("event.json", json.dumps(EVENT))


def test_explain_tells_the_variant_and_what_would_go_instead(pointbell):
    event = told(pointbell)
    shown = " ".join(pointbell("explain", event, "--source", "shop", "--rule", "points-expired").split())
    assert "variant warm; if that is refused, over email" in shown
    [rule] = pointbell.json("explain", event, "--source", "shop", "--rule", "points-expired")["rules"]
    assert (rule["decisions"][0]["variant"], rule["decisions"][0]["instead"]) == ("warm", ["email"])


def test_the_outbox_and_why_tell_them_once_it_is_made(pointbell):
    pointbell("ingest", told(pointbell), "--source", "shop")
    rows = {row["channel"]: row for row in pointbell.json("outbox", "list")}
    assert {name: row["state"] for name, row in rows.items()} == {"sms": "captured", "email": "dropped"}
    assert {row["variant"] for row in rows.values()} == {"warm"}
    assert rows["email"]["chain"] == rows["sms"]["chain"] == rows["sms"]["key"]
    assert "(warm)" in " ".join(pointbell("outbox", "list").split())
    assert "variant warm" in " ".join(pointbell("why", "anna").split())
    [entry] = [one for one in pointbell.json("why", "anna")["story"] if one["outcome"] == "notify"]
    assert entry["variant"] == "warm"
    assert entry["ruleset"]
