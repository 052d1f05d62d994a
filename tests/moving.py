"""Files of members and cards as a retailer exports them, of any size, written row by row."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from hashlib import md5
from pathlib import Path

MEMBERS = ("id", "email", "first_name", "last_name", "locale", "timezone", "birthdate", "aliases", "metadata.shop")
CARDS = (
    "card", "code", "holder", "balance", "next_expiration_date", "next_expiration_points", "last_activity", "sent",
    "active",
)  # fmt: skip
NAMES = ("Anna", "Piotr", "Łucja", "Zoë", "Małgorzata", "Jean-Luc", "O'Neill")
ZONES = ("Europe/Warsaw", "", "Europe/London", "")


def named(kind: str, number: int) -> str:
    """An id as most systems give them: in no order."""
    return f"{kind}_{md5(str(number).encode(), usedforsecurity=False).hexdigest()[:24]}"


def write_members(path: Path, count: int) -> Path:
    """A file of members; one in ten has no address."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(MEMBERS)
        for number in range(count):
            name = NAMES[number % len(NAMES)]
            email = f"m{number}@example.org" if number % 10 else ""
            day = date(1950, 1, 1) + timedelta(days=number % 20_000)
            zone = ZONES[number % len(ZONES)]
            rest = (name, f"Nowak {number}", "pl", zone, day, f"crm-{number}", number % 50)
            rows.writerow((named("m", number), email, *rest))
    return path


def write_cards(path: Path, count: int, first: date) -> Path:
    """A file of cards: most with a date in the year that begins with ``first``, some past, spent, or without one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(CARDS)
        for number in range(count):
            day: object = first + timedelta(days=number * 7 % 365 - 20)
            if number % 50 == 0:
                day = ""
            sent = "30 days" if number % 25 == 1 else ""
            balance = 0 if number % 40 == 3 else number % 900 + 1
            rest = (balance, day, min(balance, 70), first, sent, "yes")
            rows.writerow((named("c", number), f"FERN{number}", named("m", number), *rest))
    return path
