"""The events both sides are sent: one body per number, signed as Standard Webhooks say."""

from __future__ import annotations

import base64
import hmac
import json
import time

KEY = b"a key that only this bench knows"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
MEMBERS = 1_000


def event(number: int) -> dict[str, object]:
    """Points were added: about 2 KB, as shops send it, with numbers that differ from event to event."""
    member, points, balance = number % MEMBERS, 10 + number * 7919 % 4_999, 1 + number * 104_729 % 59_999
    return {
        "id": f"evt-{number}",
        "type": "points_added",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "member": {
            "id": f"member-{member}",
            "name": f"Anna Nowak {member}",
            "first_name": "Anna",
            "last_name": "Nowak",
            "email": f"anna.nowak.{member}@example.org",
            "phone": "+48600000000",
            "locale": "pl",
            "timezone": "Europe/Warsaw",
            "birthdate": "1990-02-28",
            "tier": {"id": "gold", "name": "Gold"},
            "metadata": {f"preference_{n}": f"value number {n} of member {member}" for n in range(12)},
        },
        "card": {
            "id": f"card-{member}",
            "holder_id": f"member-{member}",
            "code": f"L0Y4L-{member}",
            "campaign": "Fern Club",
            "campaign_id": "fern-club",
            "active": True,
            "balance": balance,
            "points": 5000,
            "pending_points": 0,
            "expired_points": 300,
            "subtracted_points": 0,
            "redeemed_points": 3500,
            "metadata": {f"field_{n}": f"value number {n} of card {member}" for n in range(12)},
        },
        "data": {"points": points, "balance": balance, "order_id": f"order-{number}"},
    }


def body(number: int) -> bytes:
    """An event as it is posted."""
    return json.dumps(event(number), ensure_ascii=False).encode()


def requests(path: str, first: int, count: int) -> list[bytes]:
    """The events as complete HTTP requests."""
    return [_request(path, number) for number in range(first, first + count)]


def _request(path: str, number: int) -> bytes:
    said = body(number)
    message_id, timestamp = f"evt-{number}", str(int(time.time()))
    signed = f"{message_id}.{timestamp}.".encode() + said
    signature = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(said)}\r\n"
        f"webhook-id: {message_id}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: v1,{signature}\r\n\r\n"
    )
    return head.encode() + said
