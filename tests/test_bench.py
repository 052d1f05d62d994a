"""The bench's machinery works, and both sides do the same work. How fast they are is no matter of tests."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from engine.config import load_config
from engine.daemon import open_daemon
from engine.language import fuse
from engine.logs import make_log
from engine.store import Reports

from .bench import __main__ as bench
from .bench import delay, table
from .bench.conditions import as_conditions, mostly_irrelevant, relevant, view_of
from .bench.conditions import events as known_facts
from .bench.events import body
from .bench.generator import post
from .bench.measure import Goal, Row
from .bench.peers.wording import Wording
from .bench.pipelines import PATH, PROGRAMME, write_programme
from .bench.processes import Died, Process, cpu_seconds, family_of, free_port
from .bench.profile import shares
from .bench.rows.rendering import NAME, Side, same

EVENTS = 20


def rate(goal=None, aim=None):
    return Row(what="mails", unit="/s", peer="somebody", ours_rounds=(600.0, 500.0, 610.0),
               peer_rounds=(100.0, 50.0, 122.0), goal=goal, aim=aim)  # fmt: skip


def test_a_ratio_is_the_median_of_the_rounds_so_that_a_slow_spell_meets_both_sides():
    assert rate().ratio == 6.0
    assert (rate().ours, rate().theirs) == (600.0, 100.0)


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(at_least=6), True),
        (Goal(at_least=6.1), False),
        (Goal(at_most=6), True),
        (Goal(at_most=5.9), False),
        (Goal(limit=600), True),
        (Goal(limit=599), False),
    ],
)
def test_a_goal_is_met_or_missed(goal, met):
    assert goal.met_by(rate(goal)) is met
    assert table.missed({"mails": [rate(goal)]}) == ([] if met else [rate(goal)])


def test_the_table_and_the_file_say_what_was_missed(tmp_path):
    out, path = io.StringIO(), tmp_path / "results.json"
    rows = {"mails": [rate(Goal(at_least=9), Goal(at_least=15)), rate(Goal(at_least=5), Goal(at_least=15))]}
    table.show(rows, Console(file=out, width=150))
    table.write(path, rows, {"cores": 2})
    assert "6.00 x (5.00-10.0)" in out.getvalue()
    assert ">= 9 x [>= 15 x]" in out.getvalue()
    assert (out.getvalue().count("missed"), out.getvalue().count("met")) == (1, 1)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["cores"] == 2
    assert [(row["ratio"], row["goal"], row["met"], row["aim_met"]) for row in written["rows"]] == [
        (6.0, ">= 9 x", False, False),
        (6.0, ">= 5 x", True, False),
    ]


def test_a_section_runs_and_is_written_down(tmp_path):
    path = tmp_path / "results.json"
    application = bench.application()
    done = CliRunner().invoke(application, ["message-bytes", "--quick", "--json", str(path)])
    assert done.exit_code == 0, done.output
    written = json.loads(path.read_text(encoding="utf-8"))
    assert [row["what"] for row in written["rows"]] == ["message bytes"]
    assert written["quick"] is True
    assert {"cores", "kernel", "python", "libraries", "peers"} <= set(written)


def test_an_unknown_section_is_told_what_there_is():
    done = CliRunner().invoke(bench.application(), ["messages"])
    assert done.exit_code == 2
    assert "message-bytes" in done.output


def test_the_peer_words_the_same_message(tmp_path):
    ruleset = load_config(write_programme(tmp_path, port=0, smtp=25)).ruleset()
    ours = Side(ruleset, PROGRAMME / "templates", "pl", inline=False)
    ours.compare()
    peer = Wording.load(PROGRAMME / "templates", NAME, "pl")
    for number in range(EVENTS):
        words, said = ours.ours(ours.view(number)), json.loads(body(number))
        facts = {"event": said["data"], "member": said["member"], "card": said["card"]}
        assert all(map(same, (words.subject, words.text, words.html), peer.render(facts)))


async def test_the_generators_events_are_acknowledged_and_one_rule_of_a_hundred_applies(tmp_path):
    config = load_config(write_programme(tmp_path, port=0, smtp=free_port()))
    async with open_daemon(config, make_log(io.StringIO(), config.secrets())) as daemon:
        posted = await asyncio.to_thread(post, daemon.port, PATH, first=0, count=EVENTS)
        await daemon.workshop.worker.until_idle()
    reports = Reports(config.database)
    assert posted.count == EVENTS
    assert len(config.ruleset().rules) == 100
    assert {row["rule"] for row in reports.notifications(limit=100)} == {"rule-0"}
    assert len(reports.notifications(limit=100)) == EVENTS
    reports.close()


async def test_the_generator_tells_when_events_are_refused(tmp_path):
    config = load_config(write_programme(tmp_path, port=0, smtp=free_port()))
    async with open_daemon(config, make_log(io.StringIO(), config.secrets())) as daemon:
        with pytest.raises(Died, match="404"):
            await asyncio.to_thread(post, daemon.port, "/ingest/nowhere", first=0, count=2)


async def test_the_far_relay_hands_on_everything_in_order_and_the_end():
    numbers = b"".join(b"%d\n" % number for number in range(50_000))

    async def answer(reader, writer):
        writer.write(await reader.readexactly(len(numbers)))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    relay = await asyncio.get_running_loop().create_server(lambda: delay.Near(0.001, port), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*relay.sockets[0].getsockname())
    writer.write(numbers)
    assert await reader.read() == numbers
    writer.close()
    relay.close()
    server.close()


def test_a_process_is_ended_with_all_it_has_started(tmp_path):
    os.mkfifo(held := tmp_path / "held open by whoever is alive")
    child = f"import time; file = open({str(held)!r}, 'w'); print('here', file=file, flush=True); time.sleep(600)"
    process = Process(
        "parent", [sys.executable, "-c", f"import os; os.spawnl(0, {sys.executable!r}, 'child', '-c', {child!r})"]
    )
    with held.open(encoding="utf-8") as file:
        assert file.readline() == "here\n"
        assert len(family_of([process.pid])) == 2
        assert cpu_seconds([process.pid]) > 0
        process.stop()
        assert file.read() == ""  # It ends when nobody is left who has it open.


@pytest.mark.parametrize(("rules", "firing"), [(relevant(100), range(40, 61)), (mostly_irrelevant(400), range(1, 4))])
def test_the_rules_that_are_measured_are_what_they_are_called(rules, firing):
    conditions = as_conditions(rules)
    for known in known_facts()[:3]:
        view = view_of(known)
        one_by_one = [condition.evaluate(view).holds for condition in conditions]
        assert list(fuse(conditions).answers(view)) == one_by_one
        assert sum(one_by_one) in firing


def test_a_process_that_dies_is_told_with_its_last_words():
    process = Process("quitter", [sys.executable, "-c", "print('I have had enough'); raise SystemExit(3)"])
    with pytest.raises(Died, match=r"quitter ended with 3:\nI have had enough"):
        process.wait_for_words("ready")
    process.stop()


def test_samples_count_for_the_innermost_part_that_people_know():
    words = "process 7:daemon;run (engine/daemon.py:3);render (engine/ruleset/template.py:9);spaced (re/__init__.py:1)"
    commit = "run (engine/daemon.py:3);_commit (engine/store/writer.py:9);do_commit (sqlalchemy/engine/default.py:7)"
    found = shares(f"{words} 6\n{commit} 2\n", f"{words} 5\n{commit} 3\nprocess 7:daemon 2\n")
    assert [(one.part, one.python, one.busy, one.example) for one in found] == [
        ("words: Jinja", 0.75, 0.5, "spaced (re/__init__.py)"),
        ("commit (fsync included)", 0.25, 0.3, "do_commit (sqlalchemy/engine/default.py)"),
        ("the rest", 0.0, 0.2, "outside Python"),
    ]
