"""The world of the harness: a clock that runs fast, a watch, and forecasts that jump."""

import hashlib
import time
from collections.abc import Mapping
from ctypes import c_double
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.question import Question
from jobs.decisions import Failure, Work
from jobs.update import Inferred, infer

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SPEED = 60.0  # a slot a minute is one a second; a lease of two minutes ends after two seconds
UNITS, QUESTIONS = 4, 12
SECRET = "whsec_MfKQ9r8GKYqTwjUPD8ILPZIo2LaLjSnC"
CHANNELS = ("good", "flaky", "hanging", "busy")

_HEAD = """
[watch]
title = "A desk that is killed all the time"

[definitions.event]
model = "base-rate"
base_rate = "5%..20% per quarter"

[[rules]]
id = "likely"
fire_at = "70%"
clear_at = "50%"
dwell = 1

[[rules]]
id = "very-likely"
fire_at = "85%"
clear_at = "50%"
dwell = { up = 2, down = 1 }

[[schedules]]
id = "minutely"
cron = "* * * * *"

"""
_CHANNEL = """
[[channels]]
id = "{name}"
kind = "webhook"
url = "file:{folder}/{name}.url"
secret = "file:{folder}/secret"
allow = ["127.0.0.0/8"]

[[subscriptions]]
channel = "{name}"
"""


@dataclass(frozen=True)
class FastClock:
    """Tells all processes the same time, `SPEED` times as fast as the real one.

    `ahead` are seconds by which the harness put it forward.
    """

    began: float
    ahead: c_double

    def __call__(self) -> datetime:
        passed = SPEED * (time.time() - self.began) + self.ahead.value
        return EPOCH + timedelta(seconds=passed)


def write_watch(folder: Path, urls: Mapping[str, str]) -> None:
    """The watch folder; `urls` are those of the receivers, by channel."""
    (folder / "watch.toml").write_text(configuration(folder))
    (folder / "secret").write_text(SECRET)
    for name in CHANNELS:
        (folder / f"{name}.url").write_text(urls[name])


def configuration(folder: Path) -> str:
    """The watch.toml; what it refers to lies in `folder`."""
    return _HEAD + "".join(_CHANNEL.format(name=name, folder=folder) for name in CHANNELS)


def questions() -> list[Question]:
    """Some questions at each of some units, open for long."""
    return [
        Question(
            f"q{number}",
            f"Will it happen ({number})?",
            f"u{number % UNITS}",
            "event",
            EPOCH - timedelta(days=1),
            EPOCH + timedelta(days=3650),
        )
        for number in range(QUESTIONS)
    ]


def scripted(work: Work) -> Inferred:
    """What the family answers, but with the probabilities of the script."""
    answer = infer(work)
    if isinstance(answer, Failure) or work.same:
        return answer
    estimates = (
        replace(e, probability=scripted_probability(e.question_id, e.as_of), mcse=0.0)
        for e in answer.estimates
    )
    return replace(answer, estimates=tuple(estimates))


def scripted_probability(question_id: str, slot: datetime) -> float:
    """0.2, 0.6, 0.8 or 0.9, always the same for one question and slot."""
    digest = hashlib.sha256(f"{question_id} {slot.isoformat()}".encode()).digest()
    return (0.2, 0.2, 0.6, 0.8, 0.9)[digest[0] % 5]
