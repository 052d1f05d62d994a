"""The direction of imports, as the design draws it."""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "engine"

ORDER = [
    {"reasons", "version", "systemd", "garbage"},
    {"model", "errors", "addresses"},
    {"failpoints"},
    {"ingest", "language", "waits"},
    {"settlement"},
    {"ruleset"},
    {"decide"},
    {"deliver", "store", "routing"},
    {"deciding"},
    {"deciders"},
    {"children"},
    {"settling"},
    {"sending"},
    {"pipeline", "logs", "metrics"},
    {"senders", "observer", "janitor"},
    {"worker"},
    {"workshop"},
    {"clock", "tools", "measuring", "reloading"},
    {"office"},
    {"web"},
    {"daemon"},
    {"cli"},
    {"__main__", "pytest_plugin"},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
CONFIG_READERS = {"daemon", "cli"}
PURE = {"reasons", "model", "errors", "addresses", "ingest", "language", "ruleset", "decide", "routing"}
PURE |= {"settlement", "deciding", "waits"}
IMPURE_MODULES = {
    "asyncio",
    "socket",
    "logging",
    "sqlite3",
    "sqlalchemy",
    "apscheduler",
    "aiosmtplib",
    "structlog",
    "time",
}
CLOCK_READS = {"now", "utcnow", "today", "fromtimestamp"}


def room_of(path):
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def modules():
    return [path for path in ENGINE.rglob("*.py") if path != ENGINE / "__init__.py" and "starter" not in path.parts]


def imports(path):
    """(absolute module, level) of every import; relative ones resolved to a room of the engine."""
    depth = len(path.relative_to(ENGINE).parts) - 1
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module, False
        elif isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                yield name.split(".")[0], True


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ENGINE)))
def test_imports_point_one_way(path):
    room = room_of(path)
    for imported, inside in imports(path):
        if not inside:
            assert not imported.startswith("engine"), f"{path}: use relative imports"
            continue
        if imported in ("config", "starter"):
            assert room in CONFIG_READERS, f"{room} imports config"
        elif imported != room:
            assert room == "config" or LEVEL[imported] < LEVEL[room], f"{room} imports {imported}"


@pytest.mark.parametrize("path", [path for path in modules() if room_of(path) in PURE], ids=lambda path: path.name)
def test_pure_rooms_do_no_input_or_output(path):
    for imported, inside in imports(path):
        assert inside or imported.split(".")[0] not in IMPURE_MODULES, f"{path} imports {imported}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            clock = node.func.attr in CLOCK_READS and ast.unparse(node.func.value) in (
                "datetime",
                "date",
                "datetime.datetime",
            )
            assert not clock, f"{path}:{node.lineno} reads the clock"


def test_only_the_clock_knows_apscheduler():
    users = {
        room_of(path)
        for path in modules()
        for imported, inside in imports(path)
        if not inside and "apscheduler" in imported
    }
    assert users == {"clock"}
