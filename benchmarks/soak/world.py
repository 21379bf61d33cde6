"""The watch of the soak: many units, ten nested questions each, a dozen signs, rules that ring."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from forecast.evidence import Report
from forecast.question import Question

TAGS = 10
DEADLINES = (10, 30, 60, 90, 180)  # days from now
DEFINITIONS = ("event", "large-event")
QUESTIONS_A_UNIT = len(DEADLINES) * len(DEFINITIONS)
PAST = 300  # days of reports before now
KINDS = 10  # different pasts: units of one past have one first fit
PAST_REPORTS = 20  # at each unit in that time
SECRET = "whsec_MfKQ9r8GKYqTwjUPD8ILPZIo2LaLjSnC"

_HEAD = """
[watch]
title = "A desk with very many questions"
store = "{store}"
seed = 7
"""
_INDICATOR = """
[indicators."sign.{name}"]
effect = "{effect}"
half_life = "{half_life} days"
group = "{group}"
"""
_REST = """
[definitions.event]
base_rate = "5%..30% per year"
ceiling = "20%..60% per month"
indicators = ["sign.*"]
recurrent = true

[definitions.large-event]
within = "event"
share = "20%..50%"

[[rules]]
id = "likely"
fire_at = "10%"
clear_at = "5%"

[[rules]]
id = "jump"
kind = "change"
fire_at = "2x"
over = "7 days"

[[rules]]
id = "silence"
kind = "stale"
after = "30 days"

[[channels]]
id = "desk"
kind = "webhook"
url = "file:{folder}/desk.url"
secret = "file:{folder}/secret"
allow = ["127.0.0.0/8"]

[[subscriptions]]
channel = "desk"
"""
_SCHEDULES = """
[[schedules]]
id = "hourly"
cron = "0 * * * *"

[[schedules]]
id = "minutely"
cron = "* * * * *"
questions = ["{some}"]
"""
_GROUPS = ("forces", "words", "orders")


def configuration(folder: Path, store: str = "tocsin.db") -> str:
    """The watch.toml; what it refers to lies in `folder`. Each minute it is one unit in 100."""
    signs = "".join(
        _INDICATOR.format(
            name=n,
            effect=("1.3x..3x", "1.1x..2x", "0.5x..1x")[n % 3],
            half_life=(14, 30, 60)[n % 3],
            group=_GROUPS[n % len(_GROUPS)],
        )
        for n in range(TAGS)
    )
    return (
        _HEAD.format(store=store)
        + signs
        + _REST.format(folder=folder)
        + _SCHEDULES.format(some="q-??00-*")
    )


def write_watch(folder: Path, url: str, store: str = "tocsin.db") -> None:
    """The watch folder; `url` is that of the receiver."""
    (folder / "watch.toml").write_text(configuration(folder, store))
    (folder / "secret").write_text(SECRET)
    (folder / "desk.url").write_text(url)


def unit_name(number: int) -> str:
    """The name of a unit."""
    return f"unit-{number:04}"


def questions(units: int, now: datetime) -> Iterator[Question]:
    """Ten questions at each unit: both definitions, every deadline."""
    opens = now - timedelta(days=1)
    for unit in range(units):
        for definition in DEFINITIONS:
            for days in DEADLINES:
                yield Question(
                    question_id=f"q-{unit:04}-{definition}-{days}",
                    title=f"Will there be a {definition} at {unit_name(unit)} in {days} days?",
                    unit=unit_name(unit),
                    definition=definition,
                    opens_at=opens,
                    deadline=now + timedelta(days=days),
                )


def past_reports(units: int, now: datetime, seed: int) -> Iterator[Report]:
    """What was reported of every unit before now; the same of every KINDS-th."""
    for unit in range(units):
        chance = random.Random(f"{seed} {unit % KINDS}")
        for n in range(PAST_REPORTS):
            moment = now - timedelta(days=chance.uniform(0.1, PAST))
            yield report(f"past-{unit}-{n}", unit, moment, chance)


def report(report_id: str, unit: int, known_at: datetime, chance: random.Random) -> Report:
    """One report of some sign, of some strength and grade."""
    return Report(
        report_id,
        unit_name(unit),
        f"sign.{chance.randrange(TAGS)}",
        known_at - timedelta(hours=1),
        known_at,
        value=chance.choice((0.3, 0.5, 1.0)),
        source=f"wire-{chance.randrange(8)}",
        reliability=chance.choice("ABC"),
        credibility=chance.choice((1, 2, 3)),
        summary="a sign was seen",
    )
