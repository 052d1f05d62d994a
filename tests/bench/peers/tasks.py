"""The Celery worker's task: rules, wording, mail."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_ready

from .letter import Post, write
from .wording import Wording

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.task_ignore_result = True

WORDING = Wording.load(Path(os.environ["BENCH_TEMPLATES"]), "points-added", "pl")
POST = Post(int(os.environ["BENCH_SMTP_PORT"]), keep=os.environ.get("BENCH_KEEP") == "1")
RULES = [
    ("points_added" if number < int(os.environ["BENCH_LISTENING"]) else f"other_{number % 20}",
     10 + number % 30, ("Gold", "Platinum"), 0 if number == 0 else 1_000_000 + number)
    for number in range(int(os.environ["BENCH_RULES"]))
]  # fmt: skip


@worker_ready.connect
def tell(**_: object) -> None:
    """For whoever waits."""
    print("ready to work", flush=True)


@app.task
def deliver(body: dict) -> None:
    """Send a mail for each rule that applies."""
    for kind, points, tiers, balance in RULES:
        if (
            body["type"] == kind
            and body["data"]["points"] >= points
            and body["member"]["tier"]["name"] in tiers
            and body["card"]["balance"] > balance
        ):
            facts = {"event": body["data"], "member": body["member"], "card": body["card"]}
            POST.send(write(body["member"]["email"], *WORDING.render(facts)))
