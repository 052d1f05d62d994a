import pytest

from engine.deliver.egress import Forbidden, is_public, require_public, resolve_by_system

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "172.15.0.1",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_the_inside_is_not_public_however_it_is_written(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_outside_is_public(address):
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough_to_forbid_a_host():
    with pytest.raises(Forbidden, match=r"hooks\.example\.com is at 10\.0\.0\.1, which is not a public address"):
        require_public("hooks.example.com", ["1.1.1.1", "10.0.0.1"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_other_spellings_of_this_machine_resolve_to_what_is_forbidden(host):
    with pytest.raises(Forbidden):
        require_public(host, await resolve_by_system(host, 443))
