import pickle

import pytest
from pydantic import ValidationError

from engine.deliver import CHANNELS, Channel, public_id
from tests.deliver.samples import notification

SECRET = "whsec_" + "A" * 32
SETTINGS = {
    "email": {"host": "mail.example.com", "from": "Shop <shop@example.com>"},
    "webhook": {"url": "https://hooks.example.com/push", "secrets": [SECRET]},
    "capture": {},
}


async def built(kind, **more) -> Channel:
    settings = CHANNELS[kind].settings.model_validate(SETTINGS[kind] | more)
    return CHANNELS[kind].build("mine", settings, b"installation secret")


def test_every_kind_is_tried_here():
    assert SETTINGS.keys() == CHANNELS.keys()


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_channel_is_built_from_its_settings_and_carries_its_name(kind):
    channel = await built(kind)
    assert channel.name == "mine"
    assert channel.address_field == "email"
    assert channel.prepare(notification()) == (await built(kind)).prepare(notification())
    await channel.close()


@pytest.mark.parametrize("kind", CHANNELS)
async def test_what_writes_a_message_travels_to_another_process_without_its_channel(kind):
    channel = await built(kind)
    travelled = pickle.loads(pickle.dumps(channel.writer()))
    assert travelled(notification()) == channel.prepare(notification())
    await channel.close()


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_message_names_itself_by_its_public_id(kind):
    channel = await built(kind)
    name = public_id(notification().key, b"installation secret")
    assert name.encode() in channel.prepare(notification())
    await channel.close()


@pytest.mark.parametrize("kind", CHANNELS)
def test_settings_may_say_which_kind_they_are_of_but_no_other(kind):
    model = CHANNELS[kind].settings
    assert model.model_validate(SETTINGS[kind] | {"kind": kind}) == model.model_validate(SETTINGS[kind])
    with pytest.raises(ValidationError):
        model.model_validate(SETTINGS[kind] | {"kind": "pigeon"})


@pytest.mark.parametrize("kind", CHANNELS)
def test_an_unknown_setting_is_refused(kind):
    with pytest.raises(ValidationError, match="unheard_of"):
        CHANNELS[kind].settings.model_validate(SETTINGS[kind] | {"unheard_of": 1})


def test_public_ids_differ_by_key_and_by_secret_and_last():
    ids = {public_id("a"), public_id("b"), public_id("a", b"secret")}
    assert len(ids) == 3
    assert public_id("a", b"secret") == "4048c44911916043ff626895ff78c526"
