"""What the figures were measured on. Only ratios can be compared with those of another machine."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sysconfig
import tempfile
import time
from importlib.metadata import version
from typing import Any

from . import needs

OUR_LIBRARIES = ("aiosmtplib", "apscheduler", "babel", "css-inline", "jinja2", "sqlalchemy", "uvicorn", "uvloop")
PEERS = ("fastapi", "celery", "redis", "kombu", "jinja2", "babel", "uvicorn", "uvloop",
         "zen-engine", "common-expression-language", "cel-expr-python", "cel-python")  # fmt: skip


def facts() -> dict[str, Any]:
    """Cores, kernel, interpreter, disk, and how busy the machine already was."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "python_built_with": "PGO" if "--enable-optimizations" in _configured() else "no PGO",
        "sqlite": sqlite3.sqlite_version,
        "load_before": os.getloadavg()[0],
        "fsync_us": round(_fsync()),
        "libraries": {name: version(name) for name in OUR_LIBRARIES},
    }


def peers() -> dict[str, str]:
    """Versions of what was measured against; only of what has been fetched."""
    found: dict[str, str] = {}
    interpreter = needs.CACHE / "venv" / "bin" / "python"
    if interpreter.exists():
        script = (
            "from importlib.metadata import distributions as all; print(*(f'{d.name}=={d.version}' for d in all()))"
        )
        said = subprocess.run([interpreter, "-c", script], capture_output=True, text=True, check=True).stdout
        there = dict(one.split("==") for one in said.split())
        found |= {name: there[name] for name in PEERS if name in there}
    for package in needs.PACKAGES:
        for file in (needs.CACHE / "packages").glob(f"{package}_*.deb"):
            found[package] = file.name.split("_")[1].replace("%3a", ":")
    return found


def _configured() -> str:

    return sysconfig.get_config_var("CONFIG_ARGS") or ""


def _fsync() -> float:
    """Microseconds to make 4 KiB durable where temporary files are."""
    with tempfile.NamedTemporaryFile(prefix="pointbell-bench-") as file:
        return statistics.median(_one_fsync(file.fileno()) for _ in range(50))


def _one_fsync(file: int) -> float:
    start = time.perf_counter()
    os.write(file, bytes(4096))
    os.fsync(file)
    return (time.perf_counter() - start) * 1e6
