"""What an operator is told without asking: gauges taken every few seconds, by a reader that keeps no writer waiting."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from .errors import StoreError
from .store import PULSE, Alarms, Reports
from .workshop import Workshop


@dataclass(slots=True, kw_only=True)
class Measuring:
    """Looks at the database of a workshop, and tells its metrics."""

    shop: Workshop
    database: Path
    silent_after: Mapping[str, timedelta] = field(default_factory=dict)
    """Of some sources: how long they may be silent."""
    _pulse: str = ""
    """As it was last noted."""

    async def take(self) -> None:
        """Measure once. A database that does not answer is reported, and the next time tries again.

        Raises:
            StoreBusy: the pulse could not be noted.
        """
        try:
            alarms = await asyncio.to_thread(self._look)
        except (StoreError, OSError) as error:
            self.shop.observer.refused("measure", error)
            return
        self.shop.observer.metrics.alarms(alarms, self.shop.pipeline.now())
        pulse = alarms.pulse.text()
        if pulse != self._pulse:
            await self.shop.store.note(PULSE, pulse)
            self._pulse = pulse

    def _look(self) -> Alarms:
        self.shop.observer.metrics.disk_free(shutil.disk_usage(self.database.parent).free)
        with closing(Reports(self.database)) as reports:
            return reports.alarms(self.shop.pipeline.now(), self.shop.pipeline.reach(), self.silent_after)
