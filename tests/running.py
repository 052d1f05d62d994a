"""A daemon in this process, on a free port, with the example programme's rules and templates."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2

from engine.config import load_config
from engine.daemon import open_daemon
from engine.logs import make_log
from engine.store import Reports

from .programme import EXAMPLE, TESTS

SECRET = "a-webhook-secret-that-no-log-may-show"
CONFIG = """\
programme: {name: Fern Club, timezone: Europe/Warsaw}
store: pointbell.db
workers: 0
http: {port: 0, max_body: 8 kB}
sources:
  open: {unsigned: true}
  signed: {secrets: ["${WEBHOOK_SECRET}"]}
channels:
  email: {kind: email, from: club@example.org, host: 127.0.0.1, port: 9, tls: none}
  sms: {kind: capture, address_field: phone}
delivery: {max_age: 3650 days}  # The published events are of 2024.
"""
EVENT = TESTS / "events" / "envelope.voucher.loyalty_card.points_added.json"
EVENT_ID = "evvou_0e30615d63d9b7011f"


def programme(folder: Path, config: str = CONFIG) -> Path:
    """A programme's folder; its config.yaml."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    return path


async def until(condition):
    """Let everything else go on until the condition holds."""
    while not condition():  # noqa: ASYNC110 - what is waited for raises no event, and nobody sleeps.
        await asyncio.sleep(0)


class Running:
    """The daemon, and what a test wants of it."""

    def __init__(self, daemon, log: io.StringIO, client: httpx2.AsyncClient) -> None:
        self.daemon = daemon
        self.shop = daemon.workshop
        self.store = daemon.workshop.store
        self.port = daemon.port
        self.client = client
        self._log = log

    @property
    def lines(self):
        """The log so far."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    @property
    def log(self):
        """The log so far, as written."""
        return self._log.getvalue()

    def said(self, event):
        """The lines of one kind."""
        return [line for line in self.lines if line["event"] == event]

    async def post(self, path, body, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, content=body, headers={"content-type": "application/json", **named})

    async def metric(self, name, **labels):
        """The value of one line of /metrics; 0 when it is not there."""
        label = "{" + ",".join(f'{key}="{labels[key]}"' for key in sorted(labels)) + "}" if labels else ""
        text = (await self.client.get("/metrics")).text
        found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name}{label} ")]
        return float(found[0]) if found else 0.0

    def reports(self):
        """The database, for questions."""
        return closing(Reports(self.daemon.config.database))

    def events(self):
        """The deliveries in the database, newest first."""
        with self.reports() as reports:
            return reports.events()

    async def settled(self):
        """The deliveries, newest first, once all of them are decided."""
        while any(row["state"] in ("stored", "claimed") for row in self.events()):
            await self.shop.worker.until_idle()
        return self.events()


@asynccontextmanager
async def running(folder: Path, config: str = CONFIG):
    """The daemon, ready; stopped at the end."""
    path = programme(folder, config)
    settings = load_config(path, {"WEBHOOK_SECRET": SECRET})
    out = io.StringIO()
    async with open_daemon(settings, make_log(out, settings.secrets(), as_json=True)) as daemon:
        url = f"http://127.0.0.1:{daemon.port}"
        # Without certificates to check, which take long to load.
        many = httpx2.Limits(max_connections=1_000)
        async with httpx2.AsyncClient(base_url=url, verify=False, timeout=60, limits=many) as client:
            yield Running(daemon, out, client)
