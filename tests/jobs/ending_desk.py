"""A watch of nested questions for the tests of how they end."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from forecast.clock import parse_instant
from forecast.evidence import Event
from forecast.question import Question
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.decisions import Occasion, Updated
from jobs.update import update_questions

WATCH = """
[watch]
title = "Nested desk"

[units.u]
title = "A port"

[definitions.strike]
title = "a strike"
base_rate = "10%..30% per quarter"
model = "base-rate"
recurrent = true
grace = "10 days"

[definitions.long-strike]
within = "strike"
share = "20%..60%"

[[rules]]
id = "ended"
kind = "resolved"

[[channels]]
id = "desk"
kind = "log"

[[subscriptions]]
channel = "desk"
"""
OPENS = parse_instant("2025-05-01")
CRITERIA = "Yes if workers of the port walk out, as reported by the port, by 23:59 UTC."


def question(
    name: str = "q", definition: str = "strike", deadline: str = "2025-06-30", at_least: int = 1
) -> Question:
    end = parse_instant(deadline, end_of_day=True)
    return Question(name, f"{name}?", "u", definition, OPENS, end, CRITERIA, at_least=at_least)


WIDE, LONG, EARLY = (
    question(),
    question("long", "long-strike"),
    question("early", deadline="2025-05-31"),
)


def event(name: str, occurred: str, known: str, definition: str = "strike") -> Event:
    return Event(name, "u", definition, parse_instant(occurred), parse_instant(known))


def desk(store: Store, folder: Path, questions: Sequence[Question] = (WIDE, LONG, EARLY)) -> App:
    """The watch with some questions, which were recorded as they opened."""
    app = App(Watch(folder, parse_config(WATCH)), store)
    store.add_questions(questions, OPENS)
    return app


def update(app: App, as_of: datetime) -> Updated:
    return update_questions(app, app.store.questions(), as_of, Occasion(as_of))


def told(updated: Updated) -> list[tuple[str, str]]:
    """What rules of kind resolved had to tell: the question, and the end of the sentence."""
    return [(n.subject, str(n.facts["detail"]).split(".")[0]) for n in updated.notices]
