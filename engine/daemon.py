"""The composition root: everything is made, connected and taken apart here, and nowhere else.

``assemble`` makes what any work needs, ``open_daemon`` adds what a daemon needs: the clock and the HTTP door. Each is
one straight function; what is begun is ended in the reverse order, whatever goes wrong in between.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from structlog.typing import FilteringBoundLogger

from .children.pool import IDLE_S, Children, possible
from .clock import TICK, Clock, SteadyTime
from .config import Config, load_config
from .deciders import Deciders, InProcess
from .deliver import Channel
from .errors import ChildrenDown, OfficeError, StoreBusy
from .failpoints import arm, asked_for
from .garbage import spare_what_stays
from .ingest import SourceSettings
from .janitor import ROUND, Janitor
from .logs import libraries_to, make_log
from .measuring import Measuring
from .metrics import Metrics
from .observer import Observer
from .office import OfficeServer, socket_path
from .pipeline import CAPTURE, Now, Pipeline, utc_now
from .reloading import reload_whenever, watch
from .sending import Ways
from .store import MODE, Disk, Store
from .systemd import tell_systemd
from .web import Door, HttpServer, Limits, listen
from .worker import Worker
from .workshop import Workshop

MEASURE = timedelta(seconds=15)
BEAT = timedelta(minutes=1)
ANSWER = timedelta(seconds=2)
"""How long the database may take before it counts as not ready."""


@asynccontextmanager
async def assemble(
    config: Config, log: FilteringBoundLogger, now: Now = utc_now, *, children: int = 0
) -> AsyncIterator[Workshop]:
    """Take possession of the programme's database and make everything that works on it. So many child processes decide;
    without any, this process does.

    Raises:
        RulesetInvalid: the rules or templates have errors.
        StoreOwned: another process works on the database.
        StoreError: the database cannot be used.
        ConfigError: a channel cannot be built of its settings.
    """
    async with AsyncExitStack() as stack:
        observer = Observer(log, Metrics())
        ruleset = await asyncio.to_thread(config.ruleset)
        store = await Store.open(config.database)
        _at_the_end(stack, log, "close the store", store.close)
        secret = await store.installation_secret()
        channels = config.channels(secret)
        for name, channel in channels.items():
            _at_the_end(stack, log, f"close the channel {name}", channel.close)
        unsure = await store.begin(now())
        if unsure is not None:
            observer.went_back(unsure)
        observer.mode(config.delivery.mode, await store.noted(MODE))
        await store.note(MODE, config.delivery.mode)
        deliveries, messages = await store.recover(now())
        orphans = await store.fail_other_routes([CAPTURE, *channels], now())
        if orphans:
            log.warning("messages of channels that are no longer configured have failed", messages=orphans)
        log.info("store open", database=str(config.database), deliveries_taken_back=deliveries, unknown=messages)
        deciders = _deciders(config.sources(), channels, observer, children)
        _at_the_end(stack, log, "let the children go", deciders.close)
        pipeline = Pipeline(
            store=store,
            ruleset=ruleset,
            sources=config.sources(),
            channels=channels,
            capture=config.capture(secret),
            now=now,
            observer=observer,
            routing=config.routing(),
            deciders=deciders,
            ways=Ways(random=Random()),  # noqa: S311 - it spreads retries, it keeps no secret.
        )
        observer.loaded(ruleset.hash, len(ruleset.rules), now())
        shop = Workshop(
            observer=observer,
            store=store,
            disk=Disk(config.database.parent, config.http.min_free),
            pipeline=pipeline,
            worker=Worker(pipeline),
            janitor=Janitor(pipeline, config.retention, observer),
            load_ruleset=config.ruleset,
            opened_at=now(),
        )
        await shop.follow_rules()
        yield shop


@dataclass(slots=True, kw_only=True)
class Daemon:
    """A workshop at work, with its doors open."""

    config: Config
    workshop: Workshop
    office: OfficeServer
    log: FilteringBoundLogger
    host: str
    port: int
    """As bound, where the configuration said 0."""
    tasks: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    """What has to go on for the daemon to be of any use."""

    async def reload(self) -> bool:
        """Read rules and templates again and put them in force, unless they have errors; whether they were good."""
        shop = self.workshop
        reading = await shop.reload()
        if reading.good:
            await _patiently(shop, "replan", shop.follow_rules)()
        return reading.good

    async def until(self, told: asyncio.Event) -> int:
        """Wait until told to stop, or until something that has to go on ends by itself; the exit code."""
        order = asyncio.ensure_future(told.wait())
        await asyncio.wait({order, *self.tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
        ended = [name for name, task in self.tasks.items() if task.done()]
        for name in ended:
            self.log.error("ended by itself", what=name, exc_info=_fault(self.tasks[name]))
        order.cancel()
        return 1 if ended else 0


def _wind_up(clock: Clock, shop: Workshop, time: SteadyTime, config: Config) -> None:
    """Everything that is done every so often."""
    worker, now = shop.worker, time.now
    clock.every(TICK, _doubtfully(shop, time), "watch the clock")
    # The first time at once: children are ready when the first delivery comes, or soon after.
    clock.every(MEASURE, _patiently(shop, "children", shop.prepare), "have children")
    clock.every(TICK, _patiently(shop, "promote", worker.promote), "promote timers")
    clock.every(ROUND, _patiently(shop, "tidy", shop.janitor.tick), "tidy")
    clock.every(BEAT, _patiently(shop, "beat", lambda: shop.store.beat(now())), "sign of life")
    measuring = Measuring(shop=shop, database=config.database, silent_after=config.silent_after())
    clock.every(MEASURE, _patiently(shop, "measure", measuring.take), "measure")
    clock.every(MEASURE, _patiently(shop, "replan", shop.follow_rules), "follow the rules")


@asynccontextmanager
async def open_daemon(
    config: Config, log: FilteringBoundLogger, time: SteadyTime | None = None
) -> AsyncIterator[Daemon]:
    """Assemble the programme, start its worker and its clock, and open the HTTP door.

    Raises:
        ConfigError: nothing can listen at the configured address.
        PointbellError: whatever ``assemble`` raises.
    """
    time = time or SteadyTime()
    now = time.now
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(assemble(config, log, now, children=config.children()))
        worker, clock = shop.worker, Clock()
        # Before anything works: a port that is taken should be the only thing that is told.
        listening = listen(config.http.host, config.http.port)
        _at_the_end(stack, log, "let go of the port", _soon(listening.close))
        worker.start()
        shop.manned = True
        _at_the_end(stack, log, "drain the worker", worker.stop)
        _wind_up(clock, shop, time, config)
        clock.start()
        _at_the_end(stack, log, "stop the clock", _soon(clock.stop))
        limits = Limits(
            max_body=config.http.max_body,
            header_timeout=config.http.header_timeout,
            body_timeout=config.http.body_timeout,
        )
        door = Door(
            accept=shop.accept,
            sources=shop.pipeline.sources,
            ready=lambda: _why_not_ready(shop),
            observer=shop.observer,
            now=now,
            limits=limits,
        )
        server = HttpServer(door, listening, limits)
        _at_the_end(stack, log, "close the HTTP door", server.stop)
        serving = await server.start()
        office = OfficeServer(shop, socket_path(config.database))
        _at_the_end(stack, log, "close the office", office.stop)
        await _open_office(office, log)
        host, port = server.address
        tasks: dict[str, asyncio.Future[Any]] = {"http": serving, "worker": asyncio.ensure_future(worker.ended())}
        log.info("listening", host=host, port=port, mode=config.delivery.mode)
        _warn(config, log)
        tell_systemd("READY=1")
        _at_the_end(stack, log, "tell systemd", _soon(lambda: tell_systemd("STOPPING=1")))
        yield Daemon(config=config, workshop=shop, office=office, log=log, host=host, port=port, tasks=tasks)


def run(config_path: Path, *, until_idle: bool = False) -> int:
    """Run the daemon until SIGTERM or SIGINT, or with ``until_idle`` until all work that is due is done; the exit code.

    SIGHUP reloads rules and templates, and so does a change of their files, where ``watch_rules`` lets it.

    Raises:
        PointbellError: it cannot start; the message says why. The exit code belonging to it is 2.
    """
    config = load_config(config_path)
    arm(asked_for())
    log = make_log(sys.stderr, config.secrets())
    with libraries_to(log), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_work_off(config, log) if until_idle else _serve(config, log))


async def _work_off(config: Config, log: FilteringBoundLogger) -> int:
    async with assemble(config, log) as shop:
        done = await shop.worker.until_idle()
        log.info("idle", done=done)
    return 0


async def _serve(config: Config, log: FilteringBoundLogger) -> int:
    loop, stop, reload = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    async with open_daemon(config, log) as daemon:
        spare_what_stays()
        shop = daemon.workshop
        reloads = {"reload": asyncio.create_task(reload_whenever(reload, shop))}
        if config.watch_rules:
            reloads["watch"] = asyncio.create_task(watch(config.root, reload.set, shop.observer.refused))
        daemon.tasks.update(reloads)
        code = await daemon.until(stop)
        log.info("stopping", exit_code=code)
        for task in reloads.values():
            task.cancel()
    log.info("stopped")
    return code


async def _open_office(office: OfficeServer, log: FilteringBoundLogger) -> None:
    """Take commands. A place where no socket can be made keeps nobody from taking in webhooks, and mailing."""
    try:
        await office.start()
    except OfficeError as error:
        log.error("takes no commands while it runs", error=str(error))  # noqa: TRY400 - foreseen, and told in words


def _deciders(
    inlets: Mapping[str, SourceSettings], channels: Mapping[str, Channel], observer: Observer, children: int
) -> Deciders:
    """Who decides: as many children, or this process, which has one only for what it may die of."""
    writers = {name: channel.writer() for name, channel in channels.items()}
    if children:
        return Children(size=children, inlets=inlets, writers=writers, watcher=observer)
    if not possible():
        return InProcess(inlets)
    return InProcess(inlets, ward=Children(size=1, inlets=inlets, writers=writers, watcher=observer, idle_s=IDLE_S))


async def _why_not_ready(shop: Workshop) -> list[str]:
    trouble = shop.pipeline.who.trouble or shop.disk.short()
    if trouble is not None:
        return [trouble]
    try:
        async with asyncio.timeout(ANSWER.total_seconds()):
            await shop.store.check()
    except TimeoutError:
        return [f"the database has not answered for {ANSWER.total_seconds():g} seconds"]
    except StoreBusy as error:
        return [str(error)]
    return []


def _fault(task: asyncio.Future[Any]) -> BaseException | None:
    """What ended the task: raised by it, or its result."""
    if task.cancelled():
        return None
    fault: BaseException | None = task.exception() or task.result()
    return fault


def _patiently(shop: Workshop, step: str, task: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """The task, for the clock: what cannot be done now is reported, and the next time tries again."""

    async def patient() -> None:
        try:
            await task()
        except (StoreBusy, ChildrenDown) as error:
            shop.observer.refused(step, error)

    return patient


def _doubtfully(shop: Workshop, time: SteadyTime) -> Callable[[], Awaitable[None]]:
    async def doubtful() -> None:
        shop.note_time(time.look())

    return doubtful


def _at_the_end(
    stack: AsyncExitStack, log: FilteringBoundLogger, name: str, step: Callable[[], Awaitable[None]]
) -> None:
    """Have ``step`` done when the stack unwinds. One that fails is named in the log and does not keep the others."""

    async def clean_up() -> None:
        try:
            await step()
        except Exception:
            log.exception("clean-up failed", step=name)

    stack.push_async_callback(clean_up)


def _soon(step: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def at_once() -> None:
        step()

    return at_once


def _warn(config: Config, log: FilteringBoundLogger) -> None:
    for found in config.warnings:
        log.warning(found.message, file=found.file, line=found.line, fix=found.suggestion)
    unsigned = [name for name, entry in config.source_entries.items() if entry.unsigned]
    if unsigned and not config.http.is_local:
        log.warning(
            "anybody who reaches this address can send events", host=config.http.host, unsigned_sources=unsigned
        )
