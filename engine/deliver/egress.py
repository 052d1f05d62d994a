"""Where an outgoing request may connect to.

A host name is resolved here, once, and the address that was judged is the one connected to: a name that points to
the inside (or does so a moment later) reaches nothing there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""From host and port to the IP addresses behind them. Raises ``OSError``."""

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_IPV4_BITS = 0xFFFFFFFF


class Forbidden(Exception):
    """The host has an address on a private or otherwise special network."""


def require_public(host: str, addresses: Sequence[str]) -> None:
    """Raise ``Forbidden`` unless all the host's addresses are public."""
    for address in addresses:
        if not is_public(address):
            raise Forbidden(f"{host} is at {address}, which is not a public address")


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """What the operating system says, without repeats."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def is_public(address: str) -> bool:
    """Whether the address is reachable from anywhere, also by what it embeds (IPv4 in IPv6, 6to4, NAT64)."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return _is_public(parsed)
    inner = _embedded(parsed)
    return _is_public(inner) if inner is not None else _is_public(parsed)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & _IPV4_BITS)
    return address.ipv4_mapped or address.sixtofour
