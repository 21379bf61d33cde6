"""The store: where it lies, whether it is whole and at our schema, and what in it does not fit."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from alerts.details import gap_warning
from forecast.alert import ChannelHealth
from forecast.clock import format_instant, utc_now
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.store import Store, open_store
from forecast.store.checks import server_clock
from forecast.store.database import parse_url, sqlite_path
from forecast.watch import Watch
from jobs.doctor import folders, service
from jobs.findings import Finding, Level
from jobs.preflight import roots
from jobs.standings import watched

SKEW = timedelta(minutes=1)
SERVER_SKEW = timedelta(seconds=2)  # leases and slots are compared across machines
SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "afs", "ceph", "gluster", "lustre")


def store(watch: Watch, now: datetime) -> Iterator[Finding]:
    """All that can be seen without changing it."""
    try:
        url = watch.store_url
        path = sqlite_path(parse_url(url))
        if path is not None and not path.exists() and path.parent.is_dir():
            detail = f"{path} is not there yet"
            yield Finding("store", Level.WARN, detail, "`tocsin ingest` makes it")
            return
        if path is not None and path.exists():
            yield from file_system(path)
            yield from folders.store_folder(path)
        with open_store(url, create=False) as opened:
            yield from _within(opened, watch, now)
        yield from _server_clock(url)
    except TocsinError as error:
        yield Finding("store", Level.FAIL, str(error), _mend_of(str(error)))


def _within(opened: Store, watch: Watch, now: datetime) -> Iterator[Finding]:
    yield from _store_checks(opened)
    yield _clock(opened, watch.config, now)
    yield from _questions(opened, watch.config)
    yield from _gaps(opened, watch.config)
    yield from _channel_states(opened, watch.config)
    yield from _deaf(opened, watch.config)
    yield from _stranded(opened, watch.config)
    yield from service.service(opened, watch.config, now)
    yield from _unreadable(opened)


def _mend_of(words: str) -> str:
    if "older schema" in words:
        return "`tocsin backup FILE` first; then `tocsin update` brings it to the newest"
    if "newer Tocsin" in words:
        return "install the Tocsin that wrote it, or a newer one"
    return "see [watch] store, or TOCSIN_STORE"


def _server_clock(url: str) -> Iterator[Finding]:
    """The clock of the database's machine beside ours; both are asked within one moment."""
    with server_clock(url) as ask:
        if ask is None:
            return
        before, server, after = utc_now(), ask(), utc_now()
    yield server_skew(before, server, after)


def server_skew(before: datetime, server: datetime, after: datetime) -> Finding:
    """What the server said between two looks at our own clock, held against them."""
    skew = max(before - server, server - after, timedelta(0))
    if skew <= SERVER_SKEW:
        return Finding("server clock", Level.OK, "agrees with that of this machine")
    detail = f"that of the database differs from this machine's by {skew.total_seconds():.0f} s"
    return Finding("server clock", Level.FAIL, detail, "have both keep time by NTP (chrony)")


def _unreadable(opened: Store) -> Iterator[Finding]:
    for words in opened.backtests.unreadable():
        detail, _, mend = words.rpartition("; ")
        yield Finding("backtest", Level.WARN, detail, mend)


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> Iterator[Finding]:
    """A write-ahead log needs memory that all its users share, and so one machine.

    https://www.sqlite.org/wal.html
    """
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return  # not Linux: nothing is known
    under = [line for line in lines if path.resolve().is_relative_to(line[1])]
    kind = max(under, key=lambda line: len(line[1]))[2] if under else ""
    if kind.startswith(SHARED):
        detail = f"{path} lies on {kind}, where SQLite may be damaged"
        yield Finding("store place", Level.WARN, detail, "move it to a local disk, or PostgreSQL")


def _store_checks(store: Store) -> Iterator[Finding]:
    for name, is_ok, detail in store.check():
        # an old SQLite is safe as long as one process writes
        level = Level.OK if is_ok else Level.WARN if name == "sqlite" else Level.FAIL
        mend = {
            "sqlite": "run one process on this store, or a Python with a newer SQLite",
            "integrity": "`tocsin restore FILE --force` puts a backup in its place",
            "schema": "`tocsin update` brings it to the newest",
        }.get(name, "")
        yield Finding(f"store {name}", level, detail, "" if is_ok else mend)


def _clock(store: Store, config: Config, now: datetime) -> Finding:
    """What was recorded lies in the past, or this machine's clock is slow."""
    moments = [run.started_at for run in store.runs(1)]
    moments += [delivery.created_at for delivery in store.deliveries(limit=1)]
    moments += [v.at for name in roots(config) if (v := store.latest_prior(name)) is not None]
    newest = max(moments, default=now)
    if newest <= now + SKEW:
        return Finding("clock", Level.OK, format_instant(now.replace(microsecond=0)))
    detail = f"the store holds records of {format_instant(newest)}, which is still to come"
    return Finding("clock", Level.FAIL, detail, "set this machine's clock (NTP)")


def _questions(store: Store, config: Config) -> Iterator[Finding]:
    questions = store.questions()
    unknown = [q for q in questions if q.definition not in config.definitions]
    for question in unknown:
        detail = f"asks for '{question.definition}', which is not defined"
        mend = f"add [definitions.{question.definition}], or correct the question"
        yield Finding(f"question {question.question_id}", Level.FAIL, detail, mend)
    if not questions:
        detail = "there are none"
        yield Finding("questions", Level.WARN, detail, "`tocsin ingest questions.csv`")
    elif not unknown:
        yield Finding("questions", Level.OK, f"{len(questions)}, all of them defined")


def _gaps(store: Store, config: Config) -> Iterator[Finding]:
    """Rules whose lines are so near to each other that Monte Carlo noise may cross both."""
    latest, said = store.latest_estimates(), set()
    for question in store.questions():
        last = latest.get(question.question_id)
        for rule in config.lines_for(question) if last else ():
            words = gap_warning(rule, last.mcse) if last else ""
            if words and rule.rule_id not in said:
                said.add(rule.rule_id)
                yield Finding(f"rule {rule.rule_id}", Level.WARN, words, "widen its lines")


def _channel_states(store: Store, config: Config) -> Iterator[Finding]:
    """What the service found out about the channels as it sent."""
    states = store.alerts.channel_states()
    for table in config.channels:
        state = states.get(table.id)
        if state is None or state.health is ChannelHealth.WORKS:
            continue
        is_off = state.health is ChannelHealth.DISABLED
        how = "is switched off" if is_off else "fails"
        detail = f"{how} since {format_instant(state.since)}: {state.reason}"
        again = f"mend it, then `tocsin alerts enable {table.id}`"
        mend = again if is_off else f"`tocsin alerts test {table.id}` tries it"
        yield Finding(f"channel {table.id}", Level.FAIL if is_off else Level.WARN, detail, mend)


def _deaf(store: Store, config: Config) -> Iterator[Finding]:
    """Rules that nobody hears on anything that they watch."""
    if not config.channels:
        return
    heard: dict[str, bool] = {}
    for rule, target in watched(config, store.questions()):
        rings = bool(config.channels_for(target))
        heard[rule.rule_id] = heard.get(rule.rule_id, False) or rings
    if deaf := [name for name, rings in heard.items() if not rings]:
        rules = " ".join(f"--rules {name}" for name in deaf)
        mend = f"`tocsin alerts subscribe {config.channels[0].id} {rules}`"
        detail = f"{', '.join(deaf)} {'rings' if len(deaf) == 1 else 'ring'} on no channel"
        yield Finding("rules", Level.WARN, detail, mend)


def _stranded(store: Store, config: Config) -> Iterator[Finding]:
    """What waits for a channel that watch.toml no longer has."""
    waiting = [notice.channel for notice in store.alerts.waiting(light=True)]
    waiting += [d.channel for status in ("due", "sending") for d in store.deliveries(status)]
    known = {table.id for table in config.channels}
    for name, count in sorted(Counter(waiting).items()):
        if name not in known:
            some = "1 message waits" if count == 1 else f"{count} messages wait"
            detail = f"{some} for '{name}', which is not in watch.toml"
            yield Finding(f"channel {name}", Level.WARN, detail, f"give a channel the id '{name}'")
