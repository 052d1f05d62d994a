"""The tables. Times are integer microseconds since 1970 UTC; dates are ISO text.

Uniqueness and ownership live here, in keys and conditional updates, not in the code around them:

- ``event (source, key)``: a delivery is stored once;
- ``happening (key)``: reports of one happening under several names are decided once;
- ``notification (key)``: rule, happening, member and slot lead to one message;
- ``timer (rule, subject, slot)``: a reminder has one place, whatever moves it;
- ``consent (member_id, category)``: a member's word about a category is one row, the latest.

``file_import`` is how far a file has been brought in; ``import_id`` of a member or card, the last file that told of it.

Schema changes are ordered functions in ``migrations.py``; this module always shows the newest shape.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    or_,
    text,
)

# SQLite gives automatic keys to INTEGER columns only.
_KEY = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("seq", _KEY, primary_key=True),
    Column("source", String, nullable=False),
    Column("key", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("type_hint", String),
    Column("content_type", String),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("history", Integer, nullable=False, default=0, server_default=text("0")),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claimed_until", BigInteger),
    Column("name", String),
    Column("member_id", String),
    Column("card_id", String),
    Column("occurred_at", BigInteger),
    Column("decided_at", BigInteger),
    Column("ruleset", String),
    Column("note", Text),
    Column("emptied_at", BigInteger),
    UniqueConstraint("source", "key"),
)
Index("event_open", event.c.seq, sqlite_where=event.c.state == "stored", postgresql_where=event.c.state == "stored")
Index(
    "event_claimed",
    event.c.claimed_until,
    sqlite_where=event.c.claimed_until.is_not(None),
    postgresql_where=event.c.claimed_until.is_not(None),
)
# Who is being decided for: nobody else's claim may take the same lane.
Index("event_lane", event.c.lane, sqlite_where=event.c.state == "claimed", postgresql_where=event.c.state == "claimed")
Index(
    "event_aside",
    event.c.seq,
    sqlite_where=event.c.state == "quarantined",
    postgresql_where=event.c.state == "quarantined",
)
Index("event_member", event.c.member_id, event.c.seq)

file_import = Table(
    "file_import",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)
Index("file_import_digest", file_import.c.digest)

happening = Table(
    "happening",
    metadata,
    Column("key", String, primary_key=True),
    Column("event_seq", _KEY, ForeignKey("event.seq"), nullable=False),
)
Index("happening_event", happening.c.event_seq)

member = Table(
    "member",
    metadata,
    Column("id", String, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("email", String),
    Column("import_id", BigInteger),
)
Index("member_email", member.c.email)

alias = Table(
    "alias",
    metadata,
    Column("alias", String, primary_key=True),
    Column("member_id", String, nullable=False),
)
Index("alias_member", alias.c.member_id)

card = Table(
    "card",
    metadata,
    Column("id", String, primary_key=True),
    Column("member_id", String, nullable=False),
    Column("facts", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("code", String),
    Column("import_id", BigInteger),
)
Index("card_member", card.c.member_id)
Index("card_code", card.c.code)

timer = Table(
    "timer",
    metadata,
    Column("rule", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("slot", String, primary_key=True),
    Column("member_id", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("about", String, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("reason", String),
    Column("sent_at", BigInteger),
    Column("sent_about", String),
    Column("waits", Text),
)
# By rule first: a pause leaves a rule's timers where they are, and however many they are, nobody walks over them.
Index(
    "timer_due",
    timer.c.rule,
    timer.c.due_at,
    sqlite_where=timer.c.state == "armed",
    postgresql_where=timer.c.state == "armed",
)
Index("timer_over", timer.c.due_at, sqlite_where=timer.c.state != "armed", postgresql_where=timer.c.state != "armed")
Index("timer_subject", timer.c.subject)
Index("timer_member", timer.c.member_id)
Index("timer_lane", timer.c.lane)

decision = Table(
    "decision",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("event_seq", _KEY, ForeignKey("event.seq"), nullable=False),
    Column("member_id", String),
    Column("rule", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String),
    Column("slot", String),
    Column("template", String),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("moved_from", BigInteger),
    Column("notification", String),
    Column("ruleset", String, nullable=False),
)
Index("decision_member", decision.c.member_id, decision.c.id)
Index("decision_event", decision.c.event_seq)

notification = Table(
    "notification",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("event_seq", _KEY, ForeignKey("event.seq"), nullable=False),
    Column("rule", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("about", String),
    Column("slot", String, nullable=False),
    Column("member_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("category", String),
    Column("route", String, nullable=False),
    Column("address", String, nullable=False),
    Column("template", String, nullable=False),
    Column("locale", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("on_ambiguous", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("send_before", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease", String),
    Column("leased_until", BigInteger),
    Column("settled_at", BigInteger),
    Column("withdrawn_at", BigInteger),
    Column("reply", Text),
    Column("chain", String),
    Column("variant", String),
    Column("again", Text),
    Column("cap", String),
    Column("paused_by", BigInteger),
    Column("emptied_at", BigInteger),
)
_IN_LINE = and_(notification.c.state == "queued", notification.c.paused_by.is_(None))
Index("notification_due", notification.c.route, notification.c.due_at, sqlite_where=_IN_LINE, postgresql_where=_IN_LINE)
# What a pause has taken out of the line, to be found again when the pause is over.
Index(
    "notification_paused",
    notification.c.paused_by,
    notification.c.id,
    sqlite_where=notification.c.paused_by.is_not(None),
    postgresql_where=notification.c.paused_by.is_not(None),
)
Index(
    "notification_useful",
    notification.c.send_before,
    sqlite_where=notification.c.state == "queued",
    postgresql_where=notification.c.state == "queued",
)
Index(
    "notification_leased",
    notification.c.leased_until,
    sqlite_where=notification.c.leased_until.is_not(None),
    postgresql_where=notification.c.leased_until.is_not(None),
)
# What did not go out as it should: few rows, however many were sent.
_ASIDE = or_(
    *(notification.c.state == state for state in ("held", "failed", "unknown", "expired", "withdrawn", "dropped"))
)
Index("notification_aside", notification.c.state, notification.c.id, sqlite_where=_ASIDE, postgresql_where=_ASIDE)
# What stands by for a message, and the message itself; of most there is nothing here.
Index(
    "notification_chain",
    notification.c.chain,
    notification.c.id,
    sqlite_where=notification.c.chain.is_not(None),
    postgresql_where=notification.c.chain.is_not(None),
)
_STANDS_BY = notification.c.state == "standby"
Index("notification_standby", notification.c.send_before, sqlite_where=_STANDS_BY, postgresql_where=_STANDS_BY)
Index("notification_subject", notification.c.subject_id, notification.c.rule)
Index("notification_event", notification.c.event_seq)
Index("notification_member", notification.c.member_id, notification.c.id)

# Beside the message, not in it: see ``letters``.
letter = Table(
    "letter",
    metadata,
    Column("message_id", _KEY, ForeignKey("notification.id", ondelete="CASCADE"), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

suppression = Table(
    "suppression",
    metadata,
    Column("address", String, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("member_id", String, primary_key=True),
    Column("category", String, primary_key=True),
    Column("granted", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("source", String, nullable=False),
)

pause = Table(
    "pause",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("scope", String, nullable=False),
    Column("name", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
Index("pause_until", pause.c.until)
