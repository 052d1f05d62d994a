"""The two ways from a webhook to a mail: Pointbell, and FastAPI + Celery + Redis + Jinja2 + smtplib."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, Self

from . import needs
from .events import SECRET
from .processes import Process, free_port

PATH = "/ingest/shop"
PROGRAMME = Path(__file__).parent / "programme"
RULES = 100
LISTENING = 5
"""Of the 100 rules, those that listen to the event posted; one of them applies."""

CONFIG = """\
programme: {{name: Fern Club, timezone: Europe/Warsaw, locale: pl}}
store: pointbell.db
http: {{host: 127.0.0.1, port: {port}}}
sources:
  shop: {{producer: native, secrets: ["{secret}"]}}
channels:
  email: {{kind: email, host: 127.0.0.1, port: {smtp}, tls: none, from: "Fern Club <club@example.org>"}}
delivery: {{mode: live}}
brand:
  name: Fern & Thistle
  postal_address: ul. Ogrodowa 12, 00-876 Warszawa
  website: https://example.org/club
  support_email: help@example.org
"""
OTHERS = ("points_redeemed", "points_refunded", "points_transferred", "points_removed", "points_expired",
          "tier_joined", "tier_upgraded", "tier_downgraded", "tier_left", "order_paid", "card_updated",
          "reward_redeemed", "segment_entered", "segment_left", "member_created", "member_updated")  # fmt: skip


class Pipeline(Protocol):
    """Takes events at ``/ingest/shop`` and sends mails to the sink."""

    port: int

    @property
    def pids(self) -> list[int]: ...
    def check(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Pointbell:
    """The daemon as ``pointbell run`` starts it, with the default settings, in a new folder."""

    def __init__(self, smtp_port: int, *, workers: int | None = None, listening: int = LISTENING,
                 module: str = "engine") -> None:  # fmt: skip
        self.port = free_port()
        self._module = module
        self._smtp_port = smtp_port
        self._workers = workers
        self._listening = listening
        self._stack = ExitStack()
        self._processes: list[Process] = []

    @property
    def pids(self) -> list[int]:
        """All of it, the database included."""
        return [process.pid for process in self._processes]

    def check(self) -> None:
        """Raise if it has ended."""
        for process in self._processes:
            process.check()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointbell-bench-")))
            config = str(write_programme(self.folder, port=self.port, smtp=self._smtp_port, workers=self._workers,
                                         listening=self._listening))  # fmt: skip
            words = ["run", "--config", config] if self._module == "engine" else [config]
            daemon = Process("pointbell", [sys.executable, "-m", self._module, *words], cwd=needs.ROOT)
            stack.callback(daemon.stop)
            daemon.wait_for_words("listening")
            self._processes.append(daemon)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class CeleryStack:
    """One uvicorn process, Celery with two worker processes, and Redis without persistence between them."""

    def __init__(self, smtp_port: int, *, keep: bool, working: bool = True, listening: int = LISTENING) -> None:
        self.port = free_port()
        self._smtp_port = smtp_port
        self._keep = keep
        self._working = working
        self._listening = listening
        self._stack = ExitStack()
        self._processes: list[Process] = []

    @property
    def pids(self) -> list[int]:
        """All of it, Redis included."""
        return [process.pid for process in self._processes]

    def check(self) -> None:
        """Raise if a part of it has ended."""
        for process in self._processes:
            process.check()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._redis(stack)
            python, environment = needs.python(), self._environment()
            module = "tests.bench.peers"
            web = [python, "-m", "uvicorn", f"{module}.web:app", "--port", str(self.port), "--no-access-log"]
            self._start(stack, "uvicorn", web, environment).wait_for_port(self.port)
            if self._working:
                work = [python, "-m", "celery", "-A", f"{module}.tasks", "worker", "-c", "2", "-l", "WARNING"]
                self._start(stack, "celery", work, environment).wait_for_words("ready to work")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _redis(self, stack: ExitStack) -> None:
        tools, self._broker_port = needs.tools(), free_port()
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pointbell-bench-redis-"))
        words = ["--port", str(self._broker_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        redis = self._start(stack, "redis", [tools.path("redis-server"), *words], tools.environment)
        redis.wait_for_port(self._broker_port)

    def _start(self, stack: ExitStack, name: str, command: list[str], environment: dict[str, str]) -> Process:
        process = Process(name, command, cwd=needs.ROOT, env=environment)
        stack.callback(process.stop)
        self._processes.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        return {
            **needs.plain_environment(),
            "BENCH_BROKER": f"redis://127.0.0.1:{self._broker_port}/0",
            "BENCH_SMTP_PORT": str(self._smtp_port),
            "BENCH_SECRET": SECRET,
            "BENCH_KEEP": "1" if self._keep else "0",
            "BENCH_RULES": str(RULES),
            "BENCH_LISTENING": str(self._listening),
            "BENCH_TEMPLATES": str(PROGRAMME / "templates"),
        }


def write_programme(
    folder: Path, *, port: int, smtp: int, workers: int | None = None, listening: int = LISTENING
) -> Path:
    """A programme with a hundred rules and this bench's templates; its config.yaml."""
    config = CONFIG.format(port=port, smtp=smtp, secret=SECRET)
    if workers is not None:
        config += f"workers: {workers}\n"
    (folder / "rules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(rules(listening), encoding="utf-8")
    shutil.copytree(PROGRAMME / "templates", folder / "templates")
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    return path


def rules(listening: int) -> str:
    """A hundred rules, so many of which listen to ``points_added``; the first applies, the others fail at the end."""
    return "rules:\n" + "".join(_rule(number, listening) for number in range(RULES))


def _rule(number: int, listening: int) -> str:
    on = "points_added" if number < listening else OTHERS[number % len(OTHERS)]
    send = "points-added" if number < listening else "news"
    balance = 0 if number == 0 else 1_000_000 + number
    leaves = ['tier.name in ["Gold", "Platinum"]', f"card.balance > {balance}"]
    if number < listening:
        leaves.insert(0, f"event.points >= {10 + number % 30}")
    condition = "".join(f"      - '{leaf}'\n" for leaf in leaves)
    return f"  - rule: rule-{number}\n    on: {on}\n    if:\n{condition}    send: {send}\n"
