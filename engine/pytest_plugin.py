"""pytest runs a programme's timelines: ``tests/timelines/*.yaml`` beside a ``config.yaml``, one item per test.

Whatever else a session collects is not touched, and nothing of the engine is loaded until such a file is found.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_ITEMS = "engine.cli.pytest_timelines"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The collector of a file of timelines; ``None`` for every other file."""
    if not _is_timelines(file_path):
        return None
    plugins = parent.config.pluginmanager
    plugins.import_plugin(_ITEMS)
    collector: type[pytest.File] = plugins.get_plugin(_ITEMS).TimelineFile  # type: ignore[union-attr]  # Just imported.
    return collector.from_parent(parent, path=file_path)


def _is_timelines(path: Path) -> bool:
    if path.suffix not in (".yaml", ".yml") or path.parent.name != "timelines" or path.parents[1].name != "tests":
        return False
    return (path.parents[2] / "config.yaml").is_file()
