"""Sources that are due are asked, each by one process; what they bring is stored, then noted.

    claim (lease, token) -> request -> reply -> batch -> store -> keep the cursor -> due again

The cursor moves after what it stands for is stored: a crash repeats a pull and adds nothing. A
source that fails is asked again later and later, and its failure is one line in its row.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.api import Reply
from forecast.clock import Clock
from forecast.errors import InputError, StoreError, TocsinError
from forecast.source import SourceState
from forecast.source_table import SourceTable
from forecast.words import parse_days
from jobs.app import App
from jobs.log import bound
from jobs.sources.api import Batch, Puller
from jobs.sources.fetch import (
    Fetch,
    RefusedError,
    check_reply,
    conditions_of,
    fetch,
    is_unchanged,
    marks_of,
)
from jobs.sources.registry import Opened, definition_of, kind_of, open_source, traits_of
from jobs.sources.taking import Brought, take

LEASE = timedelta(minutes=5)  # renewed with each batch
MOST_BATCHES = 200  # of one pull; the rest comes with the next one
AT_ONCE = 4  # sources asked at a time, so that a slow one does not hold up the others
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
LEAST_WAIT = timedelta(seconds=5)

_log = logging.getLogger(__name__)

type Stopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Pull:
    """How one source was pulled: what it brought, and why it failed, or ""."""

    source_id: str
    brought: Brought
    failure: str = ""
    remark: str = ""
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Pulled:
    """How those sources were pulled that were due."""

    pulls: tuple[Pull, ...] = ()

    @property
    def new(self) -> int:
        """How many facts and articles were new or corrected."""
        return sum(pull.brought.new + pull.brought.corrected for pull in self.pulls)

    @property
    def failures(self) -> list[str]:
        """Which failed, and why, a line each."""
        return [f"{pull.source_id}: {pull.failure}" for pull in self.pulls if pull.failure]


def pull_due(
    app: App,
    clock: Clock,
    owner: str,
    is_stopping: Stopping = lambda: False,
    ask: Fetch = fetch,
) -> Pulled:
    """Pull every source that is due, and nobody else has.

    A source's failure is in what is returned and in its row, and never raised; StoreError where
    the store itself fails. `is_stopping` ends it after the batch at hand.
    """
    states, now = app.store.sources.states(), clock()
    tables = [t for t in app.config.sources if _may_be_due(t, states.get(t.id), now)]
    if not tables:
        return Pulled()

    def pull(table: SourceTable) -> Pull | None:
        if is_stopping():
            return None
        return pull_one(app, table, clock, owner, is_stopping=is_stopping, ask=ask)

    with ThreadPoolExecutor(min(AT_ONCE, len(tables)), thread_name_prefix="pull") as pool:
        return Pulled(tuple(done for done in pool.map(pull, tables) if done is not None))


def pull_one(
    app: App,
    table: SourceTable,
    clock: Clock,
    owner: str,
    *,
    early: bool = False,
    is_stopping: Stopping = lambda: False,
    ask: Fetch = fetch,
) -> Pull | None:
    """Pull one source, due or (`early`) not; None where another process has it."""
    claim, longest = app.store.sources.claim, _longest(table)
    state = claim(table.id, owner, clock(), LEASE, longest, early=early)
    if state is None:
        return None
    opened: Opened | None = None
    try:
        opened = open_source(table, app.watch.folder)
        with bound(source=table.id):
            return _pull(app, opened, _at_its_definition(state, table), clock, is_stopping, ask)
    except StoreError:
        raise  # its lease runs out, and it is asked again
    except Exception as error:  # noqa: BLE001 - a kind may be a stranger's, and must stop nobody
        words = error.message if isinstance(error, TocsinError) else _defect(table, error)
        words = opened.without_secrets(words) if opened else words
        return _failed(app, table, state, words, getattr(error, "after", None), clock())


def _pull(
    app: App,
    opened: Opened,
    state: SourceState,
    clock: Clock,
    is_stopping: Stopping,
    ask: Fetch,
) -> Pull:
    """Ask and store, batch by batch."""
    brought, remarks, table = Brought(), dict[str, None](), opened.table
    batch = Batch(state.cursor)  # where nothing changed
    news: datetime | None = None
    pages = _Pages(opened, state, clock, ask)
    for number, batch in enumerate(pages, start=1):
        done = take(app, table, opened.traits.brings, batch, clock())
        brought += done
        news = clock() if done.has_news else news
        remarks |= {batch.remark: None} if batch.remark else {}
        state = replace(
            state,
            cursor=dict(batch.cursor),
            brought_at=news or state.brought_at,
            total=state.total + done.new,
        )
        goes_on = batch.more and number < MOST_BATCHES and not opened.traits.pace
        if not (goes_on and not is_stopping()):
            break
        if not app.store.sources.keep(state, clock() + LEASE):
            return Pull(table.id, brought, is_whole=False)  # another process has it now
        pages.cursor = batch.cursor
    remark = opened.without_secrets("; ".join(remarks))
    marks = ("", "") if remark or batch.more else pages.marks
    wait = _every(table)
    if batch.more:
        wait = max(opened.traits.pace, LEAST_WAIT)
    return _succeeded(app, state, brought, marks, remark, clock(), wait, is_whole=not batch.more)


class _Pages:
    """The batches of one pull, one request each; `cursor` is where the next one begins."""

    def __init__(self, opened: Opened, state: SourceState, clock: Clock, ask: Fetch) -> None:
        self._opened, self._state, self._clock, self._ask = opened, state, clock, ask
        self.cursor: Mapping[str, object] = state.cursor
        self.marks = (state.etag, state.modified)

    def __iter__(self) -> Iterator[Batch]:
        source = self._opened.source
        if isinstance(source, Puller):
            yield from source.pull(self.cursor, self._clock())
            return
        conditions = True
        while True:
            now = self._clock()
            request = source.request(self.cursor, now)
            told = conditions_of(self._opened, request, self._state) if conditions else {}
            reply: Reply = self._ask(self._opened, request, told)
            if is_unchanged(reply):
                return
            check_reply(reply, now)
            batch = source.read(reply, self.cursor, now)
            _check_moved(self.cursor, batch)
            self.marks, conditions = marks_of(reply), False
            yield batch
            if not batch.more:
                return


def _check_moved(cursor: Mapping[str, object], batch: Batch) -> None:
    if batch.more and _words(cursor) == _words(batch.cursor):
        raise InputError("the source says that there is more, and does not move on")


def _words(cursor: Mapping[str, object]) -> str:
    return json.dumps(dict(cursor), sort_keys=True)


def _may_be_due(table: SourceTable, state: SourceState | None, now: datetime) -> bool:
    """Whether a claim may succeed: that alone decides."""
    try:
        if not traits_of(kind_of(table)).is_pulled:
            return False
    except TocsinError:
        pass  # it will be said when it is opened
    if state is None:
        return True
    is_ahead = state.due_at > now + _longest(table)
    return not state.is_off and (state.due_at <= now or is_ahead)


def _at_its_definition(state: SourceState, table: SourceTable) -> SourceState:
    """The state; where the table was edited, as if nothing had been read yet."""
    definition = definition_of(table)
    if state.definition == definition:
        return state
    return replace(state, definition=definition, cursor={}, etag="", modified="")


def _succeeded(
    app: App,
    state: SourceState,
    brought: Brought,
    marks: tuple[str, str],
    remark: str,
    now: datetime,
    wait: timedelta,
    *,
    is_whole: bool,
) -> Pull:
    if state.failures:
        _log.info("source %s: works again", state.source_id)
    after = replace(
        state,
        etag=marks[0],
        modified=marks[1],
        succeeded_at=now,
        failed_at=None,
        failures=0,
        reason=remark,
        due_at=now + wait,
        new=brought.new,
        same=brought.same,
        corrected=brought.corrected,
        bad=brought.bad,
    )
    app.store.sources.keep(after, None)
    if brought.has_news or brought.bad:
        counts = (brought.new, brought.corrected, brought.bad)
        _log.info("source %s: %d new, %d corrected, %d bad", state.source_id, *counts)
    return Pull(state.source_id, brought, remark=remark, is_whole=is_whole)


def _failed(
    app: App,
    table: SourceTable,
    state: SourceState,
    words: str,
    after: timedelta | None,
    now: datetime,
) -> Pull:
    """Note a failure beside what was read up to it, and when to ask again."""
    stored = app.store.sources.states().get(table.id, state)
    failures = state.failures + 1
    wait = back_off(table.id, failures, _every(table))
    kept = replace(
        stored,
        token=state.token,
        failed_at=state.failed_at or now,
        failures=failures,
        reason=words,
        due_at=now + max(wait, after or LEAST_WAIT),
    )
    app.store.sources.keep(kept, None)
    if words != state.reason:
        _log.warning("source %s: %s", table.id, words, extra={"source": table.id})
    return Pull(table.id, Brought(), failure=words)


def back_off(source_id: str, failures: int, every: timedelta) -> timedelta:
    """The wait after so many failures in a row: full jitter below a limit that doubles.

    The limit begins at a minute and ends at the source's own pace, within an hour and six. Each
    source and failure has its own place in it.
    """
    most = min(max(every, timedelta(hours=1)), LONGEST_WAIT)
    limit = min(FIRST_WAIT * float(2 ** min(failures - 1, 20)), most)
    digest = hashlib.sha256(f"{source_id} {failures}".encode()).digest()
    place = int.from_bytes(digest[:4]) / 2**32
    return max(limit * place, LEAST_WAIT)


def _longest(table: SourceTable) -> timedelta:
    """What is put off for longer than this was so by a clock that was ahead."""
    return 2 * max(_every(table), LONGEST_WAIT)


def _every(table: SourceTable) -> timedelta:
    return timedelta(days=parse_days(table.every))


def _defect(table: SourceTable, error: Exception) -> str:
    return f"a defect of the kind '{table.kind}': {type(error).__name__}: {error}"


__all__ = ["Pull", "Pulled", "RefusedError", "back_off", "pull_due", "pull_one"]
