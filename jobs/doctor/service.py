"""What the service left in the store: slots nobody ran, runs that failed, news that waits, sources,
tokens.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from forecast.clock import format_instant
from forecast.config import Config
from forecast.source import SourceHealth, SourceState
from forecast.source_table import SourceTable
from forecast.store import Store
from forecast.words import parse_days
from jobs.findings import Finding, Level
from jobs.scheduler import due

LATE = timedelta(minutes=5)  # a service ticks twice a second
SOON = timedelta(days=14)
LATEST_RUNS = 200


def service(store: Store, config: Config, now: datetime) -> Iterator[Finding]:
    """Whether somebody serves this store, and how that goes."""
    yield from _waiting_slots(store, config, now)
    yield from _runs(store, config, now)
    yield from _news(store, now)
    yield from _sources(store, config, now)
    yield from _tokens(store, now)


def _waiting_slots(store: Store, config: Config, now: datetime) -> Iterator[Finding]:
    standings = store.schedules.standings(now)
    late = []
    for schedule in config.schedules:
        standing = standings.get(schedule.id)
        if standing is None or standing.row.paused or standing.is_running:
            continue
        row = standing.row
        slot = due(schedule, standing.last_slot, now, since=row.since, resumed_at=row.resumed_at)
        if slot is not None and now - slot.slot > LATE:
            late.append(f"{schedule.id} since {format_instant(slot.slot)}")
    if late:
        detail = f"slots are due and nobody runs them: {', '.join(late)}"
        yield Finding("service", Level.WARN, detail, "start `tocsin serve`, or see its log")
    elif standings:
        yield Finding("service", Level.OK, "no slot waits")


def _runs(store: Store, config: Config, now: datetime) -> Iterator[Finding]:
    for run in store.abandoned_runs(now):
        detail = f"its slot {format_instant(run.slot)} was left by {run.owner}, which died"
        mend = "`tocsin serve` takes it over; if it dies again, see its log (out of memory?)"
        yield Finding(f"run {run.schedule_id}", Level.WARN, detail, mend)
    newest: dict[str, str] = {}
    for run in store.runs(LATEST_RUNS):
        if run.schedule_id in newest or run.finished_at is None:
            continue
        newest[run.schedule_id] = run.status
        if run.status == "failed":
            detail = f"the last one, of {format_instant(run.slot)}, failed: {run.detail}"
            mend = "mend what it names; the next slot tries again"
            yield Finding(f"run {run.schedule_id}", Level.WARN, detail, mend)


def _news(store: Store, now: datetime) -> Iterator[Finding]:
    counts = store.due_units.counts(now)
    if counts.oldest is not None and now - counts.oldest > LATE:
        since = format_instant(counts.oldest.replace(microsecond=0))
        detail = f"{counts.due} units wait for an update, the first since {since}"
        mend = "start `tocsin serve`; if it runs, it has too much to do (docs/scaling.md)"
        yield Finding("news", Level.WARN, detail, mend)
    for unit in store.due_units.failing():
        detail = f"its update failed {unit.attempts} times: {unit.error}"
        mend = f"mend what it names; it is tried again at {format_instant(unit.retry_at)}"
        yield Finding(f"unit {unit.unit}", Level.WARN, detail, mend)


def _sources(store: Store, config: Config, now: datetime) -> Iterator[Finding]:
    states = store.sources.states()
    for table in config.sources:
        yield source(table, states.get(table.id), now)


def source(table: SourceTable, state: SourceState | None, now: datetime) -> Finding:
    """How one source fares."""
    name = f"source {table.id}"
    gap = timedelta(days=parse_days(table.expected_gap)) if table.expected_gap else None
    health = state.health(gap, now) if state else SourceHealth.NEW
    if state is None or health in (SourceHealth.NEW, SourceHealth.WORKS):
        return Finding(name, Level.OK, health.value)
    if health is SourceHealth.BROKEN:
        detail = f"failed {state.failures} times in a row: {state.reason}"
        return Finding(name, Level.FAIL, detail, f"`tocsin sources pull {table.id}` tries it")
    if health is SourceHealth.SILENT:
        detail = f"answers, but brought nothing new for longer than {table.expected_gap}"
        mend = "see whether it moved; where it is that quiet, state a longer expected_gap"
        return Finding(name, Level.WARN, detail, mend)
    detail = f"is switched off by {state.author}: {state.why_off}"
    return Finding(name, Level.WARN, detail, f"`tocsin sources enable {table.id}`")


def _tokens(store: Store, now: datetime) -> Iterator[Finding]:
    for token in store.access.tokens():
        expires = token.expires_at
        if expires is None or token.revoked_at is not None or expires > now + SOON:
            continue
        if expires <= now and (token.last_used_at is None or token.last_used_at < now - SOON):
            continue  # nobody misses it
        how = "expired" if expires <= now else "expires"
        detail = f"{how} on {format_instant(expires)}"
        mend = "`tocsin tokens create` makes another; then revoke this one"
        yield Finding(f"token {token.name}", Level.WARN, detail, mend)
