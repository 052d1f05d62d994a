"""The schema of a database file, brought up to date with a copy of the old one kept beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ..errors import StoreBusy
from . import migrations, sqlite
from .bulk import make_whole
from .copies import backup


def upgrade(path: Path) -> tuple[int, int]:
    """Bring a database's schema up to date, keeping a copy of one that must change; the versions before and after.

    Raises:
        StoreOutdated: a newer Pointbell wrote it.
        StoreBusy: it cannot be opened or written.
    """
    engine = sqlite.writing_engine(path)
    try:
        with engine.begin() as connection:
            before = migrations.version(connection)
        if 0 < before < migrations.NEWEST:
            backup(path, free_name(path, f"before-schema-{migrations.NEWEST}"), datetime.now(UTC))
        with engine.begin() as connection:
            versions = migrations.upgrade(connection)
            make_whole(connection)
            return versions
    except DBAPIError as error:
        raise StoreBusy(f"cannot use the database at {path}: {error.orig}") from error
    finally:
        engine.dispose()


def free_name(path: Path, suffix: str) -> Path:
    """A name beside the database that nothing has yet: an upgrade that failed may have left its copy."""
    names = (
        path.with_name(f"{path.name}.{suffix}{extra}") for extra in ("", *(f".{number}" for number in range(2, 1000)))
    )
    return next(name for name in names if not name.exists())
