"""Where every source of a watch stands: its health in words, what it brought, when it is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.source import SourceHealth, SourceState
from forecast.source_table import SourceTable
from forecast.words import parse_days
from jobs.app import App


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """One source: its table, what is known of it, and how it fares now, in a word and in words."""

    table: SourceTable
    state: SourceState | None
    health: SourceHealth
    says: str


def source_standings(app: App, now: datetime) -> list[SourceStanding]:
    """All sources of the watch, in its order."""
    states = app.store.sources.states()
    return [standing_of(table, states.get(table.id), now) for table in app.config.sources]


def standing_of(table: SourceTable, state: SourceState | None, now: datetime) -> SourceStanding:
    """How one source fares now."""
    if state is None:
        return SourceStanding(table, None, SourceHealth.NEW, "was not asked yet")
    health = state.health(expected_gap(table), now)
    return SourceStanding(table, state, health, state.words(health, table.expected_gap or ""))


def expected_gap(table: SourceTable) -> timedelta | None:
    """How long nothing new is normal; None where nobody said."""
    return timedelta(days=parse_days(table.expected_gap)) if table.expected_gap else None


def find_source(app: App, source_id: str) -> SourceTable:
    """The table of a source; UsageError, with the nearest id, where there is none."""
    tables = {table.id: table for table in app.config.sources}
    if source_id not in tables:
        hint = did_you_mean(source_id, tables)
        raise UsageError(f"there is no source '{source_id}' in watch.toml{hint}")
    return tables[source_id]
