CREATE TABLE alias (
    alias VARCHAR NOT NULL,
    member_id VARCHAR NOT NULL,
    PRIMARY KEY (alias)
);
CREATE INDEX alias_member ON alias (member_id);
CREATE TABLE card (
    id VARCHAR NOT NULL,
    member_id VARCHAR NOT NULL,
    facts TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX card_member ON card (member_id);
CREATE TABLE event (
    seq INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    lane VARCHAR NOT NULL,
    type_hint VARCHAR,
    content_type VARCHAR,
    raw BLOB NOT NULL,
    received_at BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_until BIGINT,
    name VARCHAR,
    member_id VARCHAR,
    card_id VARCHAR,
    occurred_at BIGINT,
    decided_at BIGINT,
    ruleset VARCHAR,
    note TEXT,
    PRIMARY KEY (seq),
    UNIQUE (source, "key")
);
CREATE INDEX event_claimed ON event (claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX event_member ON event (member_id, seq);
CREATE INDEX event_open ON event (seq) WHERE state = 'stored';
CREATE TABLE member (
    id VARCHAR NOT NULL,
    facts TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE meta (
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE suppression (
    address VARCHAR NOT NULL,
    since BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    PRIMARY KEY (address)
);
CREATE TABLE timer (
    rule VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    slot VARCHAR NOT NULL,
    member_id VARCHAR NOT NULL,
    lane VARCHAR NOT NULL,
    about VARCHAR NOT NULL,
    due_at BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    generation INTEGER NOT NULL,
    reason VARCHAR,
    sent_at BIGINT,
    sent_about VARCHAR,
    PRIMARY KEY (rule, subject, slot)
);
CREATE INDEX timer_due ON timer (due_at) WHERE state = 'armed';
CREATE INDEX timer_lane ON timer (lane);
CREATE INDEX timer_member ON timer (member_id);
CREATE INDEX timer_subject ON timer (subject);
CREATE TABLE decision (
    id INTEGER NOT NULL,
    event_seq INTEGER NOT NULL,
    member_id VARCHAR,
    rule VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR,
    slot VARCHAR,
    template VARCHAR,
    detail TEXT DEFAULT '' NOT NULL,
    at BIGINT NOT NULL,
    due_at BIGINT,
    moved_from BIGINT,
    notification VARCHAR,
    ruleset VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(event_seq) REFERENCES event (seq)
);
CREATE INDEX decision_event ON decision (event_seq);
CREATE INDEX decision_member ON decision (member_id, id);
CREATE TABLE happening (
    "key" VARCHAR NOT NULL,
    event_seq INTEGER NOT NULL,
    PRIMARY KEY ("key"),
    FOREIGN KEY(event_seq) REFERENCES event (seq)
);
CREATE TABLE notification (
    id INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    event_seq INTEGER NOT NULL,
    rule VARCHAR NOT NULL,
    subject_id VARCHAR NOT NULL,
    about VARCHAR,
    slot VARCHAR NOT NULL,
    member_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    route VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    locale VARCHAR NOT NULL,
    subject TEXT NOT NULL,
    payload BLOB,
    on_ambiguous VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    send_before BIGINT,
    attempts INTEGER NOT NULL,
    lease VARCHAR,
    leased_until BIGINT,
    settled_at BIGINT,
    withdrawn_at BIGINT,
    reply TEXT,
    PRIMARY KEY (id),
    UNIQUE ("key"),
    FOREIGN KEY(event_seq) REFERENCES event (seq)
);
CREATE INDEX notification_due ON notification (route, due_at) WHERE state = 'queued';
CREATE INDEX notification_leased ON notification (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX notification_member ON notification (member_id, id);
CREATE INDEX notification_subject ON notification (subject_id, rule);
CREATE INDEX notification_useful ON notification (send_before) WHERE state = 'queued';
