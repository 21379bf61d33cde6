"""How a source fares: where it stands, what it brought, whether it is silent or broken."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class SourceHealth(StrEnum):
    """How a source fares.

    SILENT answers, and has brought nothing new for longer than its expected gap; BROKEN does not
    answer, or with what cannot be read. OFF was switched off by a person. NEW was never asked.
    """

    NEW = "new"
    WORKS = "works"
    SILENT = "silent"
    BROKEN = "broken"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where one source stands; one row, which changes.

    `cursor` is the source's own note of how far it has read. `since` is from when on it is known
    to us, `succeeded_at` when it last answered, `brought_at` when it last brought something new.
    `failures` counts those in a row, the first of them at `failed_at`, the last for `reason`.
    `new`, `same`, `corrected` and `bad` are of its last answer, `total` counts all that was new.
    `definition` is a digest of its table: where that is edited, what was fetched is asked for
    again. `author` switched it off, for the reason `why_off`. `token` is the fencing token of
    the present claim.
    """

    source_id: str
    since: datetime
    due_at: datetime
    cursor: dict[str, Any] = field(default_factory=dict)
    etag: str = ""
    modified: str = ""
    definition: str = ""
    succeeded_at: datetime | None = None
    brought_at: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0
    reason: str = ""
    new: int = 0
    same: int = 0
    corrected: int = 0
    bad: int = 0
    total: int = 0
    is_off: bool = False
    author: str = ""
    why_off: str = ""
    token: int = 0

    def silent_since(self, expected_gap: timedelta | None, now: datetime) -> datetime | None:
        """From when on its silence was longer than it should be; None where it is not."""
        if expected_gap is None:
            return None
        begins = (self.brought_at or self.since) + expected_gap
        return begins if begins < now else None

    def health(self, expected_gap: timedelta | None, now: datetime) -> SourceHealth:
        """How it fares now."""
        if self.is_off:
            return SourceHealth.OFF
        if self.failures:
            return SourceHealth.BROKEN
        if self.silent_since(expected_gap, now) is not None:
            return SourceHealth.SILENT
        return SourceHealth.WORKS if self.succeeded_at else SourceHealth.NEW

    def words(self, health: SourceHealth, expected_gap: str) -> str:
        """Why it fares so, "" where there is nothing to say; the gap in the words of the watch."""
        if health is SourceHealth.OFF:
            return f"switched off by {self.author}: {self.why_off}"
        if health is SourceHealth.BROKEN:
            times = "once" if self.failures == 1 else f"{self.failures} times in a row"
            return f"failed {times}: {self.reason}"
        if health is SourceHealth.SILENT:
            return f"nothing new for longer than {expected_gap}"
        return self.reason
