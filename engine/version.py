"""Which Pointbell this is."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ENGINE = Path(__file__).parent


def _installed() -> str:
    try:
        return version("pointbell")
    except PackageNotFoundError:
        return "not installed"


VERSION = _installed()
"""As installed, for example ``0.1.0``; ``not installed`` where the engine runs from its folder alone."""


def build() -> str:
    """Which code lies on the disk now: the version, and a digest of all modules.

    Raises:
        OSError: it cannot be read.
    """
    digest = sha256()
    for path in sorted(_ENGINE.rglob("*.py")):
        digest.update(path.relative_to(_ENGINE).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
    return f"{VERSION} {digest.hexdigest()[:16]}"
