"""`make soak`: the service at its size, fed and killed; what it did in time, and what it lost."""

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from alerts.testing import Receiver
from benchmarks.postgres import private_server
from benchmarks.rows import HEAD, Row, align
from benchmarks.soak import verdict
from benchmarks.soak.service import Memory, Service
from benchmarks.soak.tape import Tape, at
from benchmarks.soak.verdict import Verdict
from benchmarks.soak.world import (
    KINDS,
    QUESTIONS_A_UNIT,
    SECRET,
    past_reports,
    questions,
    report,
    unit_name,
    write_watch,
)
from forecast.store import Store, open_store

BATCHES = 4  # of reports a second
MEMORY_BUDGET, SLOPE_BUDGET = 600.0, 5.0  # MB, and MB a minute in the second half
SETTLING = 600.0  # seconds, once nothing more is fed
STARTING = 3600.0  # seconds for the first estimate of everything


@dataclass(slots=True)
class Soak:
    """One soak on its way: the store from outside, the service, and what was measured."""

    folder: Path
    store: Store
    tape: Tape
    units: int
    seed: int
    chance: random.Random
    memory: list[tuple[float, Memory]] = field(default_factory=list)
    fed: int = 0
    down: float = 0.0
    unclean: int = 0
    late: int = 0

    def feed(self, count: int) -> None:
        """Record some reports of now."""
        now = datetime.now(UTC)
        places = [self.chance.randrange(self.units) for _ in range(count)]
        new = [
            report(f"soak-{self.fed + n}", unit, now, self.chance) for n, unit in enumerate(places)
        ]
        self.store.add_reports(new, now)
        self.fed += count
        recorded = time.monotonic()
        for unit in places:
            self.tape.told(unit_name(unit), now, recorded)


def say(words: str) -> None:
    """Tell how far it is, on stderr."""
    load = os.getloadavg()[0]
    print(f"{datetime.now(UTC):%H:%M:%S} (load {load:.1f}) {words}", file=sys.stderr, flush=True)


@click.command()
@click.option(
    "--minutes", default=10.0, show_default=True, help="Of feeding; the rest comes on top."
)
@click.option("--questions", "number", default=10_000, show_default=True)
@click.option("--rate", default=100.0, show_default=True, help="Reports a second.")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--backend",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
)
def main(minutes: float, number: int, rate: float, seed: int, backend: str) -> None:
    """Feed a service of NUMBER questions, kill it in the middle, and look at what it did."""
    units = max(number // QUESTIONS_A_UNIT, 1)
    with (
        TemporaryDirectory(prefix="tocsin-soak-") as name,
        _store_url(backend, Path(name)) as url,
        Receiver(SECRET) as receiver,
    ):
        rows, found = soak(Path(name), url, receiver, units, minutes, rate, seed)
    print(align(*HEAD))
    for row in rows:
        print(row.as_line())
    print(f"\n{found}\nload average {' '.join(f'{load:.2f}' for load in os.getloadavg())}")
    print(json.dumps({"rows": [row.as_json() for row in rows]}))
    sys.exit(0 if found.is_clean else 1)


def soak(
    folder: Path, url: str, receiver: Receiver, units: int, minutes: float, rate: float, seed: int
) -> tuple[list[Row], Verdict]:
    """One soak on the empty store at `url`."""
    write_watch(folder, receiver.webhook_url, url)
    now = datetime.now(UTC)
    with open_store(url) as store:
        say(f"{units} units, {units * QUESTIONS_A_UNIT} questions and their past")
        store.add_questions(questions(units, now), now)
        store.add_reports(past_reports(units, now, seed), now)
        say("the first fits of their pasts")
        fit_pasts(folder, units, now)
        tape = Tape(url)
        run = Soak(folder, store, tape, units, seed, random.Random(seed))
        service, first = _first_estimates(run, "first")
        began = datetime.now(UTC)
        service = _feed(run, service, minutes, rate)
        _settle(run, service)
        rows = [*_rows(run, minutes, first), *_memory(run.memory)]
        ended = datetime.now(UTC)
        run.unclean += service.stop() != 0
        found = _judge(run, receiver, service, began, ended)
        tape.close()
    late = Row("slots that a later one made up for", run.late, "", at_most=2)  # those of the kill
    return [*rows, late, *_verdict_rows(found)], found


def fit_pasts(folder: Path, units: int, now: datetime) -> None:
    """Fit the first units, and give those of the same past the same draws.

    A thousand first fits take minutes, and are no part of what is looked at here.
    """
    from jobs.app import open_app
    from jobs.decisions import Occasion
    from jobs.update import update_questions

    key = "{}/event/hazard".format
    with open_app(folder) as app:
        first = {unit_name(unit) for unit in range(min(units, KINDS))}
        asked = [q for q in app.store.questions() if q.unit in first]
        update_questions(app, asked, now, Occasion(now, rings=False))
        fits = [app.store.model_state(key(unit_name(unit))) for unit in range(len(first))]
        states = [
            (key(unit_name(unit)), now, fit)
            for unit in range(KINDS, units)
            if (fit := fits[unit % KINDS]) is not None
        ]
        app.store.record(model_states=states, recorded_at=now)


def _first_estimates(run: Soak, name: str) -> tuple[Service, float]:
    """Start the service, and wait until every question has an estimate."""
    began, service = time.monotonic(), Service(run.folder, name)
    total, told = run.units * QUESTIONS_A_UNIT, 0.0
    while len(run.tape.answered) < total:
        _require(service)
        run.tape.look(time.monotonic())
        passed = time.monotonic() - began
        if passed - told > 20:
            told = passed
            say(f"{len(run.tape.answered)} of {total} questions have their first estimate")
        if passed > STARTING:
            raise SystemExit("the first estimates took too long")
        time.sleep(0.5)
    return service, time.monotonic() - began


def _feed(run: Soak, service: Service, minutes: float, rate: float) -> Service:
    """Feed for some minutes, and kill the service in the middle; the one that runs in the end."""
    run.tape.follow()
    began, step = time.monotonic(), 1 / BATCHES
    owed, looked, told, is_killed = 0.0, 0.0, 0.0, False
    while (passed := time.monotonic() - began) < 60 * minutes:
        owed = rate * passed - run.fed
        if owed >= rate * step:
            run.feed(int(owed))
        run.tape.look(time.monotonic())
        if passed - looked >= 2:
            looked = passed
            _require(service)
            run.memory.append((passed, service.memory()))
        if passed - told >= 20:
            told = passed
            say(_progress(run, passed))
        if not is_killed and passed >= 30 * minutes:
            is_killed = True
            say("kill -9, and a second start")
            service.kill()
            service = Service(run.folder, "second")
        time.sleep(min(step / 2, 0.1))
    return service


def _settle(run: Soak, service: Service) -> None:
    """Until nothing is due and nothing waits, or it took too long."""
    began = time.monotonic()
    while time.monotonic() - began < SETTLING:
        _require(service)
        run.tape.look(time.monotonic())
        now = datetime.now(UTC)
        is_due = run.store.due_units.counts(now).due or run.store.alerts.waiting(light=True)
        if not is_due and not run.tape.waiting and run.store.next_due(now) is None:
            break
        time.sleep(0.3)
    say(f"calm after {time.monotonic() - began:.0f} s")


def _require(service: Service) -> None:
    if not service.is_running:
        tail = service.log.read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"the service ended by itself:\n{tail}")


def _progress(run: Soak, passed: float) -> str:
    memory, seconds = run.memory[-1][1], run.tape.seconds
    return (
        f"{passed:.0f} s: {run.fed} reports, {run.tape.waiting} unseen, "
        f"{run.tape.estimates / passed:.0f} estimates/s, report to estimate "
        f"p50 {at(seconds, 50):.2f} s p99 {at(seconds, 99):.2f} s, "
        f"memory {memory.own:.0f} + {memory.children:.0f} MB"
    )


def _judge(
    run: Soak, receiver: Receiver, service: Service, began: datetime, ended: datetime
) -> Verdict:
    received = Counter(r.headers["webhook-id"] for r in receiver.received if not r.problem)
    counts = verdict.left_behind(run.store, ended, received)
    runs = run.store.runs(100_000)
    minutely = [r for r in runs if r.schedule_id == "minutely"]
    hourly = [r for r in runs if r.schedule_id == "hourly"]
    calm = ended - timedelta(seconds=30)
    missed, run.late = verdict.slots_missed(minutely, timedelta(minutes=1), began, calm)
    missed += verdict.slots_missed(hourly, timedelta(hours=1), began, calm)[0]
    return Verdict(
        **counts,
        slots_missed=missed,
        slots_overlapping=verdict.overlapping(minutely) + verdict.overlapping(hourly),
        runs_failed=sum(r.status == "failed" for r in runs),
        questions_without=run.units * QUESTIONS_A_UNIT - len(run.tape.answered),
        reports_unseen=run.tape.waiting,
        unclean_ends=run.unclean,
        errors=len(service.errors()),
    )


def _rows(run: Soak, minutes: float, first: float) -> Iterator[Row]:
    seconds, sent = run.tape.seconds, run.tape.deliveries()
    total = run.units * QUESTIONS_A_UNIT
    yield Row(f"first estimates of {total:,} questions", first, "s")
    yield Row(f"reports, {minutes:g} minutes", run.fed, "")
    yield Row("estimates", run.tape.estimates / (60 * minutes), "/s")
    for percent in (50, 95, 99):
        yield Row(f"report to estimate, p{percent}", at(seconds, percent), "s")
    yield Row("messages", len(sent), "")
    for percent in (50, 99):
        yield Row(f"message made to received, p{percent}", at(sent, percent), "s")


def _memory(seen: list[tuple[float, Memory]]) -> Iterator[Row]:
    """Peaks, and how the second half slopes: the first warms up, and has the kill at its end."""
    yield Row("memory of serve, peak", max(m.own for _, m in seen), "MB", at_most=MEMORY_BUDGET)
    yield Row("memory of its children, peak", max(m.children for _, m in seen), "MB")
    late = [(passed, m.own) for passed, m in seen if passed > 0.65 * seen[-1][0]]
    yield Row("memory of serve, slope", _slope(late), "MB/min", at_most=SLOPE_BUDGET)


def _slope(points: list[tuple[float, float]]) -> float:
    """Least squares, a minute."""
    n = len(points)
    if n < 2:
        return 0.0
    x, y = (sum(column) / n for column in zip(*points, strict=True))
    spread = sum((a - x) ** 2 for a, _ in points)
    return 60 * sum((a - x) * (b - y) for a, b in points) / spread if spread else 0.0


def _verdict_rows(found: Verdict) -> Iterator[Row]:
    for name, count in asdict(found).items():
        yield Row(name.replace("_", " "), count, "", at_most=0)


@contextmanager
def _store_url(backend: str, folder: Path) -> Iterator[str]:
    if backend == "sqlite":
        yield f"sqlite:///{folder}/tocsin.db"
        return
    with private_server(fsync=True) as url:
        yield url.format("postgres")


if __name__ == "__main__":
    main()
