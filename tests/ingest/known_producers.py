"""Bodies of other producers, assembled as their public documentation describes them.

Sources: docs.talon.one (loyalty notification schemas); developers.loyaltylion.com (webhooks, one page per topic);
developer.squareup.com (LoyaltyEvent, LoyaltyAccount); help.openloyalty.io (webhooks) with Braze's partner page for Open
Loyalty; developers.brevo.com (loyalty webhooks). Names and values are our own.
"""


def talon_change(kind="LoyaltyPointsAdded", route="rule_engine", **more):
    """A change of points, told at once."""
    return {
        "NotificationType": kind,
        "ProfileIntegrationID": "prof-7",
        "LoyaltyProgramID": 5,
        "SubledgerID": "",
        "TypeOfChange": route,
        "Operation": "addition",
        "Amount": 10.99,
        "Reason": "Spring",
        "TransactionUUID": "tx-1",
        "ExpiryDate": "2027-01-24T14:15:22Z",
    } | more


def talon_balances(*actions):
    """Several changes of one profile, with the balance after them."""
    return {
        "NotificationType": "LoyaltyAddedDeductedPointsBalances",
        "ProfileIntegrationID": "prof-7",
        "LoyaltyProgramID": 5,
        "SubledgerID": "sub-1",
        "TypeOfChange": "rule_engine",
        "CurrentPoints": 120.5,
        "Actions": list(actions),
    }


def talon_list(kind, *entries):
    """A scheduled notification, with up to a thousand entries."""
    return {"NotificationType": kind, "TotalResultSize": len(entries), "Data": list(entries)}


def talon_expiring(profile="prof-7", points=10.99, day="2026-03-31"):
    """Points of one profile that are about to expire."""
    return {
        "ExpiryDate": day,
        "LoyaltyProgramID": 5,
        "CustomerProfileID": profile,
        "AmountOfExpiringPoints": points,
        "SubledgerID": "sub-1",
    }


def talon_tier(now="Silver", before="Bronze"):
    """A change of tier."""
    return {
        "CustomerProfileID": "prof-7",
        "LoyaltyProgramID": 5,
        "SubledgerID": "sub-1",
        "CurrentTier": now,
        "CurrentPoints": 120.55,
        "OldTier": before,
        "TierExpirationDate": "2026-12-01T12:23:00+02:00",
        "TimestampOfTierChange": "2025-12-01T12:23+02:00",
    }


LION_CUSTOMER = {
    "id": 6932,
    "merchant_id": "2134606599",
    "email": "jo@example.org",
    "points_approved": 200,
    "points_pending": 30,
    "points_spent": 500,
    "properties": {"name": "Jo White"},
    "metadata": {"shoe": "42"},
    "birthday": "1990-01-29",
    "blocked": False,
    "loyalty_tier_membership": {
        "expires_at": None,
        "loyalty_tier": {"id": 16, "name": "Silver", "lower_bound": "200.01"},
    },
    "updated_at": "2026-01-30T03:00:00.000Z",
}


def lion(topic, **properties):
    """A LoyaltyLion webhook."""
    return {
        "id": f"wh-{topic}",
        "topic": f"program_events/{topic}",
        "created_at": "2026-01-31T03:00:05.000Z",
        "payload": {"kind": topic, "properties": {"customer": LION_CUSTOMER, **properties}},
    }


def square(kind, **objects):
    """A Square webhook about one object."""
    return {
        "merchant_id": "M1",
        "type": kind,
        "event_id": f"ev-{kind}",
        "created_at": "2026-01-31T10:00:00.123Z",
        "data": {"type": "loyalty", "id": "x", "object": objects},
    }


def square_event(kind, **more):
    """A Square loyalty event."""
    event = {
        "id": f"le-{kind}",
        "type": kind,
        "created_at": "2026-01-31T09:59:59Z",
        "loyalty_account_id": "acc-1",
        "location_id": "L1",
        "source": "SQUARE",
    }
    return square("loyalty.event.created", loyalty_event=event | more)


def square_account(kind="loyalty.account.updated", **more):
    """A Square loyalty account."""
    account = {
        "id": "acc-1",
        "program_id": "prog-1",
        "customer_id": "CUST1",
        "balance": -5,
        "lifetime_points": 20,
        "mapping": {"id": "map-1", "phone_number": "+16295551234"},
        "updated_at": "2026-01-31T10:00:00Z",
    }
    return square(kind, loyalty_account=account | more)


def open_loyalty(kind, **data):
    """An Open Loyalty webhook."""
    customer = {
        "customerId": "ol-1",
        "email": "jo@example.org",
        "firstName": "Jo",
        "lastName": "White",
        "loyaltyCardNumber": "000123",
    }
    return {"type": kind, "createdAt": "2026-01-31T10:00:00+01:00", "data": {"customer": customer, **data}}


def brevo(event=None, **more):
    """A Brevo loyalty webhook; older ones do not name their event."""
    body = {
        "contact_id": 42,
        "identifiers": {"email_id": "jo@example.org"},
        "contact_properties": {"FIRSTNAME": "Jo"},
        "event_id": "be-1",
        "event_date": "2026-01-31T10:00:00Z",
        "loyalty_program": {"id": "lp-1", "name": "VIP club"},
        "balance_definition": {"id": "bd-1", "name": "Points", "unit": "points"},
    } | more
    return body if event is None else {"event_name": event, **body}
