from email import message_from_bytes, policy

import pytest

from engine.deliver import CaptureChannel, CaptureSettings, Sent, Withheld
from tests.deliver.samples import Permit, notification, outgoing


def capture(**settings):
    return CaptureChannel("email", CaptureSettings.model_validate(settings))


async def test_a_captured_message_needs_a_permit_like_any_other():
    channel, permit = capture(), Permit()
    assert await channel.send(outgoing(channel), permit) == Sent("captured")
    assert permit.asked == 1
    assert await channel.send(outgoing(channel), Permit(grant=False)) == Withheld()
    await channel.close()


def test_in_place_of_e_mail_it_writes_whole_mails():
    mail = message_from_bytes(
        capture(**{"from": "Shop <shop@example.com>"}).prepare(notification()), policy=policy.default
    )
    assert (mail["From"], mail["To"]) == ("Shop <shop@example.com>", "anna@example.com")
    assert mail["Subject"] == "120 punktów wygasło"


def test_in_place_of_another_channel_it_writes_the_text():
    channel = capture(address_field="phone")
    assert channel.address_field == "phone"
    assert channel.prepare(notification(address="+48123456789")).decode() == notification().words.text


@pytest.mark.parametrize("address_field", ["email", "phone"])
def test_what_is_not_worded_is_not_written(address_field):
    with pytest.raises(ValueError, match="not worded"):
        capture(address_field=address_field).prepare(notification(words=None))
