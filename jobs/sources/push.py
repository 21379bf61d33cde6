"""A source that sends by itself, to `POST /api/v1/reports`: here so that it has a health too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from jobs.sources.api import Batch, Cursor, Setup, Traits


@dataclass(frozen=True, slots=True)
class Push:
    """Is never asked. What it sends is noted with `store.sources.heard`."""

    setup: Setup
    traits = Traits(is_pulled=False, needs_url=False)

    def pull(self, cursor: Cursor, now: datetime) -> Iterator[Batch]:
        """Nothing."""
        return iter(())
