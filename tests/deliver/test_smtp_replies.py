import pytest

from engine.deliver import Deferred, Refused
from engine.deliver.smtp_dialogue import Reply
from engine.deliver.smtp_replies import Stage, judge

WAIT, DOWN, OURS, NO, BAD_ADDRESS = "wait", "down", "ours", "no", "bad address"
MAIL, RCPT, DATA, BODY = Stage

REPLIES = [
    # MAIL: nothing has been said of the recipient yet, so it is about us
    (MAIL, 421, "4.3.2 service shutting down", DOWN),
    (MAIL, 450, "4.7.1 sender rate exceeded", DOWN),
    (MAIL, 451, "local error", DOWN),
    (MAIL, 452, "4.3.1 insufficient system storage", DOWN),
    (MAIL, 455, "parameters", DOWN),
    (MAIL, 500, "5.5.2 syntax error", DOWN),
    (MAIL, 501, "5.1.7 bad sender address syntax", DOWN),
    (MAIL, 503, "5.5.1 nested MAIL", DOWN),
    (MAIL, 530, "5.7.0 authentication required", DOWN),
    (MAIL, 535, "5.7.8 bad credentials", DOWN),
    (MAIL, 550, "sender rejected", DOWN),
    (MAIL, 550, "5.7.1 not allowed to send as this user", DOWN),
    (MAIL, 552, "quota exceeded", DOWN),
    (MAIL, 553, "5.7.1 sender address not owned by user", DOWN),
    (MAIL, 554, "5.7.1 your address is listed", DOWN),
    # RCPT, for now
    (RCPT, 421, "4.7.0 too many errors", DOWN),
    (RCPT, 421, "closing", DOWN),
    (RCPT, 450, "4.2.0 greylisted", WAIT),
    (RCPT, 450, "4.2.1 receiving mail too fast", WAIT),
    (RCPT, 451, "4.7.1 greylisting in action, come back later", WAIT),
    (RCPT, 451, "4.3.0 try again", DOWN),
    (RCPT, 451, "try again later", WAIT),
    (RCPT, 452, "4.2.2 mailbox full", WAIT),
    (RCPT, 452, "4.3.1 out of disk", DOWN),
    (RCPT, 450, "4.4.3 cannot look up the domain", WAIT),
    (RCPT, 450, "4.1.1 unverified address", WAIT),
    # RCPT, for good: the address
    (RCPT, 550, "5.1.1 no such user", BAD_ADDRESS),
    (RCPT, 550, "5.1.1 <anna@example.com>: Recipient address rejected: User unknown", BAD_ADDRESS),
    (RCPT, 550, "5.1.2 bad destination system", BAD_ADDRESS),
    (RCPT, 501, "5.1.3 bad address syntax", BAD_ADDRESS),
    (RCPT, 550, "5.1.6 mailbox has moved", BAD_ADDRESS),
    (RCPT, 550, "5.1.10 recipient not found", BAD_ADDRESS),
    (RCPT, 553, "5.1.1 no", BAD_ADDRESS),
    # RCPT, for good: not necessarily the address
    (RCPT, 550, "no such user", NO),
    (RCPT, 550, "5.2.1 mailbox disabled", NO),
    (RCPT, 552, "5.2.2 mailbox full", NO),
    (RCPT, 550, "5.4.1 recipient address rejected: access denied", NO),
    (RCPT, 550, "5.5.0 requested action not taken: mailbox unavailable", NO),
    (RCPT, 551, "user not local", NO),
    (RCPT, 552, "exceeded storage allocation", NO),
    (RCPT, 553, "mailbox name not allowed", NO),
    (RCPT, 554, "transaction failed", NO),
    (RCPT, 550, "5.1 is no enhanced code", NO),
    (RCPT, 550, "15.1.1 nor is this", NO),
    # RCPT, for good: about us
    (RCPT, 550, "5.1.8 bad sender's system", OURS),
    (RCPT, 550, "5.7.1 relaying denied", OURS),
    (RCPT, 554, "5.7.1 client host blocked", OURS),
    (RCPT, 550, "5.3.0 mail system problem", OURS),
    (RCPT, 530, "5.7.0 must issue STARTTLS first", OURS),
    (RCPT, 530, "authentication required", OURS),
    (RCPT, 502, "not implemented", OURS),
    (RCPT, 503, "5.5.1 need MAIL first", OURS),
    # DATA and the verdict on the body
    (DATA, 421, "closing", DOWN),
    (DATA, 451, "4.3.0 queue full", DOWN),
    (DATA, 451, "later", WAIT),
    (DATA, 503, "5.5.1 no valid recipients", OURS),
    (DATA, 554, "no valid recipients", NO),
    (BODY, 421, "4.3.2 shutting down", DOWN),
    (BODY, 450, "4.7.0 slow down", WAIT),
    (BODY, 451, "4.7.1 greylisted after data", WAIT),
    (BODY, 452, "4.3.1 out of disk", DOWN),
    (BODY, 550, "5.7.515 access denied, sending domain does not pass authentication", OURS),
    (BODY, 554, "5.7.1 message looks like spam", OURS),
    (BODY, 552, "5.3.4 message too big for system", NO),
    (BODY, 554, "5.6.0 message content rejected", NO),
    (BODY, 550, "5.1.1 no such user after all", BAD_ADDRESS),
    (BODY, 554, "no", NO),
]
OUTCOMES = {
    WAIT: Deferred,
    DOWN: lambda text: Deferred(text, about_relay=True, relay_down=True),
    OURS: lambda text: Deferred(text, about_relay=True),
    NO: Refused,
    BAD_ADDRESS: lambda text: Refused(text, address_is_bad=True),
}


@pytest.mark.parametrize(("stage", "code", "text", "outcome"), REPLIES)
def test_what_a_no_comes_to(stage, code, text, outcome):
    assert judge(stage, Reply(code, text)) == OUTCOMES[outcome](f"{stage}: {code} {text}")


def test_the_table_is_not_shorter_than_promised():
    assert len(REPLIES) >= 60
