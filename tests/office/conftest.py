"""A daemon in this process, and a command's connection to it."""

from __future__ import annotations

import asyncio

import pytest

from engine.office import Answer, Ask, connect, socket_path
from engine.office import verbs as office_verbs
from engine.office.verbs import Verb

from ..running import running


class Echo(Answer):
    said: str


class Wait(Ask[Echo]):
    """An ask that takes as long as a test wants it to."""

    word: str = "done"


class Waiting:
    """What the handler of ``Wait`` does: it begins, and goes on when it is told to."""

    def __init__(self):
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()
        self.ended = []

    async def handle(self, _shop, ask):
        self.begun.set()
        await self.goes_on.wait()
        self.ended.append(ask.word)
        return Echo(said=ask.word)


@pytest.fixture
def waiting(monkeypatch):
    """One more thing that can be asked."""
    one = Waiting()
    monkeypatch.setitem(office_verbs.VERBS, "wait", Verb(ask=Wait, handle=one.handle))
    monkeypatch.setitem(office_verbs.NAMES, Wait, "wait")
    return one


@pytest.fixture
async def daemon(tmp_path):
    async with running(tmp_path) as started:
        yield started


@pytest.fixture
async def office(daemon):
    async with connect(sock(daemon)) as peer:
        yield peer


def sock(daemon):
    return socket_path(daemon.daemon.config.database)
