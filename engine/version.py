"""Which Pointbell this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("pointbell")
    except PackageNotFoundError:
        return "not installed"


VERSION = _installed()
"""As installed, for example ``0.1.0``; ``not installed`` where the engine runs from its folder alone."""
