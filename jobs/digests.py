"""Digests: which is due, and its messages, which are in the outbox once its slot is claimed.

A slot and its messages are one transaction (`store.schedules.tell`), so that a kill at any
moment loses none and doubles none, and of several services on one store one tells it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.digests import REPORT, report_facts
from alerts.facts import Facts, notice_id
from alerts.registry import kind_of, traits_of
from forecast.alert import Delivery
from forecast.clock import Clock, format_instant
from forecast.config import Config
from forecast.digest_table import Digest
from forecast.errors import ConfigError, UsageError
from forecast.names import did_you_mean, matches
from forecast.store.runs import DONE, RunClaim
from forecast.store.schedules import ScheduleRow, Standing
from jobs.app import App
from jobs.digest_report import digest_report
from jobs.notices import link_to
from jobs.scheduler import Due, check_schedule, next_slot, owner_name
from jobs.schedules import slot_to_run, told
from jobs.schedules import switch as switch_schedule

FIRST = timedelta(days=7)  # what the first digest reaches back over
PATIENCE = timedelta(minutes=10)  # for which a digest waits for updates of its time


@dataclass(frozen=True, slots=True)
class Message:
    """What a digest would tell now, and to which channels; none where there is nothing to tell."""

    facts: Facts
    channels: tuple[str, ...]

    @property
    def detail(self) -> str:
        """What its run is said to have come to."""
        if not self.channels:
            return "nothing to tell"
        return f"{self.facts['counts']['questions']} questions, to {', '.join(self.channels)}"


@dataclass(frozen=True, slots=True)
class Outlook:
    """A digest: whom it goes to, when it comes next, and the run of its last slot, if any.

    `row` says who paused it; while it is paused no slot comes next.
    """

    digest: Digest
    channels: tuple[str, ...]
    next_slot: datetime | None
    last_at: datetime | None
    last_status: str
    row: ScheduleRow


def check_digest(config: Config, digest: Digest) -> None:
    """ConfigError where its cron line is none, or a channel of it takes no reports."""
    at = f"digests.{digest.id}"
    try:
        check_schedule(digest.schedule)
    except ConfigError as error:
        raise ConfigError(error.message, at=f"{at}.cron") from None
    taking = channels_of(config, digest)
    for table in config.channels:
        if table.id in digest.channels and table.id not in taking:
            words = f"'{table.id}' is of kind {table.kind}, which takes alerts and no reports"
            raise ConfigError(words, at=f"{at}.channels")
    if not taking:
        raise ConfigError("none of these takes reports", at=f"{at}.channels")


def channels_of(config: Config, digest: Digest) -> tuple[str, ...]:
    """The channels that a digest goes to."""
    return tuple(
        table.id
        for table in config.channels
        if matches(table.id, digest.channels) and traits_of(kind_of(table)).takes_reports
    )


def digest_due(app: App, clock: Clock, owner: str) -> int:
    """Put the digests that are due into the outbox; how many. A failure keeps none from its turn.

    The slot of one that failed is not claimed: it is tried again at the next look.
    """
    if not app.config.digests:
        return 0
    sent, trouble = 0, None
    for digest, slot in list(_due(app, clock())):
        try:
            sent += _tell(app, digest, slot, owner, clock())
        except Exception as error:  # noqa: BLE001 - it is raised when the others had their turn
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return sent


def message_of(app: App, digest: Digest, now: datetime) -> Message:
    """What a digest tells at `now`; nothing is written."""
    report = digest_report(app, digest, since_of(app, digest, now), now)
    base = app.config.watch.link.rstrip("/")
    facts = report_facts(report, f"{base}/" if base else "", _linking(app))
    is_empty = not (report.total or report.ended_count or report.silent_count)
    return Message(facts, () if is_empty else channels_of(app.config, digest))


def since_of(app: App, digest: Digest, now: datetime) -> datetime:
    """When what it tells begins: as its table says, or with the digest before it."""
    if digest.window is not None:
        return now - digest.window
    last = app.store.pages.runs(1, schedule_id=digest.schedule.id, status=DONE)
    return last[0].started_at if last and last[0].started_at < now else now - FIRST


def send_now(app: App, digest_id: str, clock: Clock) -> Message:
    """Send a digest as a slot of its own, now."""
    digest, now = digest_named(app.config, digest_id), clock()
    check_digest(app.config, digest)
    message = message_of(app, digest, now)
    claim = RunClaim(digest.schedule.id, now, owner_name())
    app.store.schedules.tell(claim, _deliveries(digest, now, message, now), now, message.detail)
    return message


def switch(
    app: App, digest_id: str, author: str, reason: str, now: datetime, *, paused: bool
) -> bool:
    """Pause a digest, or let it come again from its next slot; False where it was so before."""
    digest = digest_named(app.config, digest_id)
    return switch_schedule(app, digest.schedule.id, author, reason, now, paused=paused)


def outlooks(app: App, now: datetime) -> list[Outlook]:
    """Where every digest stands, in the order of the file."""
    app.store.schedules.keep(told(app.config, now), now)
    standings = app.store.schedules.standings(now)
    found = []
    for digest in app.config.digests:
        standing = standings[digest.schedule.id]
        coming = _slot(digest, standing, now)
        following = coming.slot if coming else next_slot(digest.schedule, now)
        told_to = channels_of(app.config, digest)
        row = standing.row
        last = (standing.last_slot, standing.last_status)
        found.append(Outlook(digest, told_to, None if row.paused else following, *last, row))
    return found


def digest_named(config: Config, digest_id: str) -> Digest:
    """One digest of the watch; UsageError, with the nearest id, if there is none."""
    digests = {digest.id: digest for digest in config.digests}
    if digest_id not in digests:
        near = did_you_mean(digest_id, digests)
        raise UsageError(f"there is no digest '{digest_id}' in watch.toml{near}")
    return digests[digest_id]


def _due(app: App, now: datetime) -> Iterator[tuple[Digest, Due]]:
    standings = app.store.schedules.standings(now)
    for digest in app.config.digests:
        slot = _slot(digest, standings.get(digest.schedule.id), now)
        if slot is not None and not _is_early(app, standings, slot.slot, now):
            yield digest, slot


def _slot(digest: Digest, standing: Standing | None, now: datetime) -> Due | None:
    """The slot to tell; none from before there was the digest as it is: who adds one on a
    Friday does not ask for that of last Monday.
    """
    found = slot_to_run(digest.schedule, standing, now)
    if found is None or standing is None or found.slot <= standing.row.since <= now:
        return None
    return found


def _is_early(app: App, standings: dict[str, Standing], slot: datetime, now: datetime) -> bool:
    """Whether updates up to the same moment are still to be run, and worth waiting for."""
    if not timedelta(0) <= now - slot < PATIENCE:
        return False
    for schedule in app.config.schedules:
        standing = standings.get(schedule.id)
        if schedule.kind != "update" or standing is None:
            continue
        if standing.is_running and standing.last_slot and standing.last_slot <= slot:
            return True
        due = slot_to_run(schedule, standing, now)
        if due is not None and due.slot <= slot:
            return True
    return False


def _tell(app: App, digest: Digest, due: Due, owner: str, now: datetime) -> bool:
    message = message_of(app, digest, now)
    claim = RunClaim(digest.schedule.id, due.slot, owner)
    deliveries = _deliveries(digest, due.slot, message, now)
    return app.store.schedules.tell(claim, deliveries, now, message.detail, due.missed)


def _deliveries(
    digest: Digest, slot: datetime, message: Message, now: datetime
) -> Iterator[Delivery]:
    """A message for each channel, its id that of the slot."""
    for channel in message.channels:
        ident = notice_id(channel, digest.schedule.id, format_instant(slot), 0, REPORT)
        yield Delivery(ident, channel, REPORT, now, now, message.facts, queued_at=now)


def _linking(app: App) -> Callable[[str], str]:
    return lambda question_id: link_to(app, question_id)
