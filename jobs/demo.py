"""The flagship replayed: every slot of the watch's schedule, as the scheduler would have run it.

Real reports, the real store, the real ladder, real HTTP to a receiver on this machine that
checks signatures; only the clock is not the wall's.
"""

import os
import secrets
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

from alerts.outbox import drain
from alerts.testing import Receiver
from forecast.alert import Transition
from forecast.clock import days_between, parse_instant, utc_now
from forecast.errors import OutsideError
from forecast.estimate import Estimate
from forecast.evidence import Event
from forecast.intake.ingest import ingest_file
from forecast.question import Question
from forecast.reports.track_record import Course
from jobs.app import App, open_app
from jobs.pool import warm_pool
from jobs.ringing import ring
from jobs.scheduler import owner_name, slots
from jobs.slots import Turn, run_slot
from jobs.track_records import course_of

START = parse_instant("2025-06-30T23:59:59Z")
END = parse_instant("2026-01-05")
FACTS = ("questions", "reports", "events", "crowd")


@dataclass(frozen=True, slots=True)
class Ring:
    """One episode of a rule: when it rang, when it was over, and the event it was about."""

    question: Question
    rule_id: str
    rang_at: datetime
    probability: float
    cleared_at: datetime | None
    event: Event | None

    @property
    def lead_days(self) -> float | None:
        """Days from the ring to the event; None where there was none to ring for."""
        return days_between(self.rang_at, self.event.occurred_at) if self.event else None


@dataclass(slots=True)
class Story:
    """What a replay came to."""

    lines: list[Course[Estimate]] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    slots: int = 0
    estimates: int = 0
    held: int = 0
    slack: int = 0
    webhooks: int = 0
    refused: list[str] = field(default_factory=list)


def fresh_folder(example: Path, folder: Path) -> None:
    """A copy of the example with an empty store; only a folder that we made is ever emptied."""
    marker = folder / ".tocsin-demo"
    try:
        if folder.exists() and any(folder.iterdir()):
            if not marker.exists():
                raise OutsideError("is not empty, and no demo made it", at=str(folder))
            shutil.rmtree(folder)
        shutil.copytree(example, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
        marker.touch()
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(folder)) from None


def demo_app(folder: Path) -> App:
    """The demo's own watch on its own store, whatever store the environment names."""
    return open_app(folder, f"sqlite:///{(folder / 'tocsin.db').resolve()}")


def ingest(folder: Path) -> dict[str, int]:
    """Take in the example's files; how many facts of each kind are new."""
    with demo_app(folder) as app:
        return {
            kind: ingest_file(app.store, folder / f"{kind}.csv", kind, START).added.new
            for kind in FACTS
        }


def replay(
    folder: Path,
    on_slot: Callable[[datetime, int, int], None],
    on_message: Callable[[str, str], None],
    workers: int | None = None,
    start: datetime = START,
    end: datetime = END,
) -> Story:
    """Run every slot in (start, end] and tell the story.

    `on_slot` is called with a slot, its place and how many there are; `on_message` with the
    kind and text of each message as the receiver accepts it.
    """
    secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    story = Story()
    with (
        Receiver(secret, on_message=on_message) as receiver,
        _variables(
            TOCSIN_SLACK_URL=receiver.slack_url,
            TOCSIN_WEBHOOK_URL=receiver.webhook_url,
            TOCSIN_WEBHOOK_SECRET=secret,
        ),
        demo_app(folder) as app,
        warm_pool(workers) as pool,
    ):
        for schedule in (s for s in app.config.schedules if s.kind == "update"):
            due = list(slots(schedule, start, end))
            for place, slot in enumerate(due):
                on_slot(slot, place, len(due))
                turn = Turn(schedule, slot, owner_name(), partial(_stopped, slot))
                updated = run_slot(app, turn, pool.map)
                story.slots += 1
                if updated is not None:
                    story.estimates += len(updated.estimates)
                    story.held += sum(e.health != "healthy" for e in updated.estimates)
                    if ring(app, slot):
                        channels = app.config.channels
                        drain(app.store, channels, utc_now, owner_name(), folder=folder)
            on_slot(end, len(due), len(due))
        for request in receiver.received:
            story.slack += request.path == "/slack" and not request.problem
            story.webhooks += request.path == "/webhook" and not request.problem
            story.refused += [request.problem] if request.problem else []
        story.lines = [course_of(app, question, end) for question in app.store.questions()]
        story.rings = [ring for line in story.lines for ring in _rings(app, line, end)]
    return story


def _stopped(at: datetime) -> datetime:
    """A clock that stands still."""
    return at


def _rings(app: App, line: Course[Estimate], end: datetime) -> Iterator[Ring]:
    """The episodes on a question, each with the event that it could have been about."""
    question = line.question
    told = [t for t in app.store.alerts.transitions(subject=question.question_id) if t.notify]
    for rule_id in sorted({t.rule_id for t in told}):
        own: list[Transition] = [t for t in told if t.rule_id == rule_id]
        for rang, after in pairwise([*own, None]):
            if rang is not None and rang.notify == "firing":
                cleared = after.at if after is not None else None
                yield Ring(question, rule_id, rang.at, rang.probability or 0.0, cleared, line.event)


@contextmanager
def _variables(**values: str) -> Iterator[None]:
    """Environment variables for as long as the replay runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
