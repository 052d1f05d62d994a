"""One pipeline, started anew, fed, and timed from the first post to the last mail in the sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .generator import Generator, post
from .pipelines import PATH, Pipeline
from .processes import Watch, cpu_seconds
from .sink import Sink

PATIENCE = 30.0
"""Seconds without a further mail after which a pipeline counts as stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One side, once."""

    mails_per_s: float
    cpu_us: float
    """Of all the side's processes, per mail."""
    rss_mib: float
    pss_mib: float
    acks_per_s: float
    ack_p99_ms: float
    sink_busy: float
    generator_busy: float
    """Shares of a core: neither may be what is measured."""


def once(
    make: Callable[[int], Pipeline], *, warm_up: int, mails: int,
    begin: Callable[[Pipeline], None] = lambda _: None, end: Callable[[], None] = lambda: None,
) -> Run:  # fmt: skip
    """Start everything, send some to warm up, then the mails that count; ``begin`` and ``end`` frame these."""
    with Sink() as sink, make(sink.port) as pipeline, Watch(pipeline.pids) as watch:
        post(pipeline.port, PATH, first=0, count=warm_up)
        sink.wait_for(warm_up, pipeline.check, patience=PATIENCE)
        with Generator(pipeline.port, PATH, first=warm_up, count=mails) as generator:
            begin(pipeline)
            cpu, sink_cpu = cpu_seconds(pipeline.pids), cpu_seconds([sink.pid])
            generator.go()
            posted = generator.result(600)
            ended = sink.wait_for(warm_up + mails, pipeline.check, patience=PATIENCE)
            cpu, sink_cpu = cpu_seconds(pipeline.pids) - cpu, cpu_seconds([sink.pid]) - sink_cpu
            end()
    seconds = ended - posted.started
    return Run(
        mails_per_s=mails / seconds,
        cpu_us=cpu / mails * 1e6,
        rss_mib=watch.rss_mib,
        pss_mib=watch.pss_mib,
        acks_per_s=posted.per_second,
        ack_p99_ms=posted.p99_ms,
        sink_busy=sink_cpu / seconds,
        generator_busy=posted.busy,
    )
