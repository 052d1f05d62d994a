"""What the peers need, fetched once into ``.bench/``: Debian's smtp-sink, smtp-source and redis-server, which are
unpacked and never installed, and a Python environment of their own, pinned by hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".bench"
PACKAGES = ("postfix", "redis-server")
LOCK = Path(__file__).with_name("requirements.lock")


class Missing(Exception):
    """Something the peers need cannot be had; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Programs unpacked from Debian's packages."""

    folder: Path

    def path(self, name: str) -> str:
        """Where a program is."""
        for place in ("usr/sbin", "usr/bin"):
            if (found := self.folder / place / name).exists():
                return str(found)
        raise Missing(f"{name} is not in {', '.join(PACKAGES)} of this Debian")

    @property
    def environment(self) -> dict[str, str]:
        """With the libraries that came along."""
        libraries = {str(file.parent) for file in self.folder.glob("usr/lib/**/*.so*")}
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}


def tools() -> Tools:
    """The peers' programs; fetched when they are not there yet."""
    folder = CACHE / "debian"
    if not folder.exists():
        say(f"fetching {', '.join(PACKAGES)} from Debian into {CACHE.name}/ (unpacked, not installed)")
        if shutil.which("apt-get") is None:
            raise Missing(
                "these peers come from Debian's packages, and there is no apt-get here; "
                "message-bytes, rendering, rules and reminders need none of them"
            )
        fresh = CACHE / "debian.part"
        shutil.rmtree(fresh, ignore_errors=True)
        for package in _download(CACHE / "packages"):
            _call("dpkg", "-x", str(package), str(fresh))
        fresh.rename(folder)
    return Tools(folder=folder)


def python() -> str:
    """An interpreter with the peers' packages; made when it is not there yet, or when the lock has changed."""
    folder, digest = CACHE / "venv", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    ready = folder / "ready"
    interpreter = str(folder / "bin" / "python")
    if not ready.exists() or ready.read_text(encoding="utf-8") != digest:
        say(f"installing the peers' Python packages into {CACHE.name}/")
        _call(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = (interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _call(*pip, "--require-hashes", "-r", str(LOCK))
        ready.write_text(digest, encoding="utf-8")
    return interpreter


def plain_environment() -> dict[str, str]:
    """For the peers' interpreter: nothing of ours on its path."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def say(line: str) -> None:
    """Progress, for people."""
    print(line, file=sys.stderr, flush=True)


def _download(folder: Path) -> list[Path]:
    """The packages and whatever of theirs this machine does not have."""
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    # Nothing is installed, so no lock is needed, nor root.
    options = (f"Dir::Cache::archives={folder}", "Debug::NoLocking=true", "APT::Sandbox::User=")
    command = ["apt-get", "install", "-y", "-qq", "--download-only", "--reinstall", "--no-install-recommends"]
    command += [word for option in options for word in ("-o", option)]
    try:
        _call(*command, *PACKAGES)
    except Missing:
        _call("apt-get", "update", "-qq")
        _call(*command, *PACKAGES)
    return sorted(folder.glob("*.deb"))


def _call(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{' '.join(command[:2])} failed: {(done.stderr or done.stdout).strip()[-600:]}")
