"""The examination of a set-up: one finding for each thing looked at, and how to mend it."""

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path

from alerts import registry as channels
from alerts.details import gap_warning
from forecast.alert import ChannelHealth
from forecast.clock import format_instant
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.names import matches
from forecast.store import Store, open_store
from forecast.store.database import parse_url, sqlite_path
from forecast.watch import FILE_NAME, Watch, load_watch, resolve_reference
from jobs.findings import Finding, Level
from jobs.preflight import check_channel, check_definition, roots
from jobs.scheduler import next_slot
from jobs.standings import watched
from jobs.trial import send_trial
from models import registry as models

PYTHONS = ((3, 12), (3, 15))
SKEW = timedelta(minutes=1)
SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "afs", "ceph", "gluster", "lustre")
_OURS = {
    channels.GROUP: (
        *("alertmanager", "alertmanager-api", "atom", "log", "mail", "pagerduty"),
        *("slack", "webhook"),
    ),
    models.GROUP: ("base-rate", "hazard"),
}


def examine(folder: Path, now: datetime, *, send: bool = False) -> Iterator[Finding]:
    """Everything from the interpreter to the channels; with `send`, a trial message on each."""
    yield _python()
    yield from _plug_ins()
    yield _cache()
    try:
        watch = load_watch(folder)
    except TocsinError as error:
        yield Finding(FILE_NAME, Level.FAIL, str(error), "mend what it names; the rest waits")
        return
    yield Finding(FILE_NAME, Level.OK, f"'{watch.config.watch.title}'")
    yield from _beliefs(watch.config)
    yield from _schedules(watch.config, now)
    yield from _store(watch, now)
    yield from _channels(watch, now, send=send)
    yield from _quiet(watch.config)
    yield from _heartbeat(watch.config)


def _python() -> Finding:
    first, beyond = PYTHONS
    version = ".".join(map(str, sys.version_info[:3]))
    if first <= sys.version_info[:2] < beyond:
        return Finding("python", Level.OK, version)
    return Finding("python", Level.WARN, version, "it is tested on Python 3.12 to 3.14")


def _plug_ins() -> Iterator[Finding]:
    for group, ours in _OURS.items():
        found = {entry.name: entry for entry in entry_points(group=group)}
        broken = [name for name in ours if name not in found]
        if broken:
            detail = f"not registered: {', '.join(broken)}"
            yield Finding(group, Level.FAIL, detail, "install Tocsin again, with pip")
        for name, entry in found.items():
            try:
                entry.load()
            except Exception as error:  # noqa: BLE001 - a stranger's package may fail in any way
                broken.append(name)
                words = " ".join(f"'{name}' does not load: {error}".split())
                mend = f"install {entry.value.partition(':')[0]} again, or remove its package"
                yield Finding(group, Level.FAIL, words, mend)
        if not broken:
            yield Finding(group, Level.OK, ", ".join(sorted(found)))


def _cache() -> Finding:
    """Where compiled models are kept; `models.engine` chooses it as it is imported."""
    import models.engine  # noqa: F401  (the import is the point)

    flags = os.environ.get("PYTENSOR_FLAGS", "")
    found = re.search(r"compiledir=([^,]+)", flags)
    folder = Path(found[1]) if found else Path()
    mend = "set TOCSIN_CACHE to a folder that can be written"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("cache", Level.FAIL, f"{folder}: {error.strerror}", mend)
    if folder.is_relative_to(tempfile.gettempdir()):
        return Finding("cache", Level.WARN, f"{folder} is lost when this ends", mend)
    return Finding("cache", Level.OK, str(folder))


def _beliefs(config: Config) -> Iterator[Finding]:
    names = roots(config)
    if not names:
        yield Finding("definitions", Level.WARN, "there are none", "add one to watch.toml")
    for name in names:
        try:
            check_definition(config, name)
        except TocsinError as error:
            mend = f"mend it in [definitions.{name}]"
            yield Finding(f"definition {name}", Level.FAIL, str(error), mend)
        else:
            detail = f"model {config.definitions[name].model}"
            yield Finding(f"definition {name}", Level.OK, detail)


def _schedules(config: Config, now: datetime) -> Iterator[Finding]:
    if not config.schedules:
        detail = "there are none: `tocsin serve` updates nothing"
        yield Finding("schedules", Level.WARN, detail, "add [[schedules]] to watch.toml")
    for schedule in config.schedules:
        name = f"schedule {schedule.id}"
        try:
            upcoming = next_slot(schedule, now)
        except TocsinError as error:
            yield Finding(name, Level.FAIL, str(error), "five fields: '0 6 * * *' is daily at six")
            continue
        if upcoming is None:
            yield Finding(name, Level.WARN, f"'{schedule.words}' never comes", "mend its cron line")
        else:
            yield Finding(name, Level.OK, f"next slot {format_instant(upcoming)}")


def _store(watch: Watch, now: datetime) -> Iterator[Finding]:
    try:
        url = watch.store_url
        path = sqlite_path(parse_url(url))
        if path is not None and not path.exists() and path.parent.is_dir():
            detail = f"{path} is not there yet"
            yield Finding("store", Level.WARN, detail, "`tocsin ingest` makes it")
            return
        if path is not None:
            yield from _file_system(path)
        with open_store(url, create=False) as store:
            yield from _store_checks(store)
            yield _clock(store, watch.config, now)
            yield from _questions(store, watch.config)
            yield from _gaps(store, watch.config)
            yield from _channel_states(store, watch.config)
            yield from _deaf(store, watch.config)
            yield from _stranded(store, watch.config)
    except TocsinError as error:
        yield Finding("store", Level.FAIL, str(error), "see [watch] store, or TOCSIN_STORE")


def _file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> Iterator[Finding]:
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
            "integrity": "restore a backup",
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


def _quiet(config: Config) -> Iterator[Finding]:
    """Quiet hours of channels that there are not."""
    for quiet in config.quiet:
        for pattern in quiet.channels:
            if not any(matches(table.id, [pattern]) for table in config.channels):
                known = ", ".join(table.id for table in config.channels) or "none"
                mend = f"name channels that there are: {known}"
                yield Finding(f"quiet {quiet.id}", Level.WARN, f"no channel fits '{pattern}'", mend)


def _mend_of(error: TocsinError, otherwise: str) -> str:
    """How to mend a channel: by what is not set, where that is all."""
    unset = re.search(r"the environment variable (\S+) is not set", str(error))
    return f"`export {unset[1]}=...`" if unset else otherwise


def _heartbeat(config: Config) -> Iterator[Finding]:
    """Who notices that nobody is there any more to notice anything."""
    if config.heartbeat is None:
        if config.channels:
            detail = "there is none: if the service stops, nobody is told"
            mend = "[heartbeat] with the url of a dead-man's switch tells its owner"
            yield Finding("heartbeat", Level.WARN, detail, mend)
        return
    try:
        resolve_reference(config.heartbeat.url, "heartbeat.url")
    except TocsinError as error:
        mend = _mend_of(error, "set what it refers to")
        yield Finding("heartbeat", Level.FAIL, str(error), mend)
    else:
        yield Finding("heartbeat", Level.OK, f"every {config.heartbeat.every}")


def _channels(watch: Watch, now: datetime, *, send: bool) -> Iterator[Finding]:
    config = watch.config
    if len(config.channels) == 1:
        detail = "there is one only: if it fails, nobody is told"
        yield Finding("channels", Level.WARN, detail, "`tocsin alerts subscribe` adds another")
    if not config.channels:
        mend = "`tocsin alerts subscribe` adds one"
        yield Finding("channels", Level.WARN, "there are none: nobody is rung", mend)
    for table in config.channels:
        name = f"channel {table.id}"
        try:
            check_channel(table, watch.folder, now)
            if send:
                send_trial(table, now, config.watch.link, folder=watch.folder)
        except TocsinError as error:
            mend = _mend_of(error, f"`tocsin alerts test {table.id}` tries it")
            yield Finding(name, Level.FAIL, str(error), mend)
        else:
            detail = "took a trial message" if send else f"{table.kind}, its secrets are there"
            yield Finding(name, Level.OK, detail)
