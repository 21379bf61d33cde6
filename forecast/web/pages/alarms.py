"""/alerts: what fires, who deals with it, what is silenced, and whether messages arrive."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from glob import escape
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from forecast.alert import (
    Acknowledgement,
    ChannelHealth,
    ChannelState,
    RuleState,
    State,
    Transition,
)
from forecast.question import Question
from forecast.web.desk import Desk, TheDesk
from forecast.web.pages.acting import ask_and_return
from forecast.web.pages.layout import address_with, page
from forecast.web.pages.letters import about
from forecast.web.pages.lists import doing_words, lately, page_of
from forecast.web.pages.outlook import Outlook
from forecast.web.pages.question import SPANS
from forecast.web.pages.session import TheForm

router = APIRouter()
ON_PAGE = 25
CHANNELS = {
    None: "○ nothing is known of it yet",
    ChannelHealth.WORKS: "✓ works",
    ChannelHealth.FAILING: "▲ failing",
    ChannelHealth.DISABLED: "✗ switched off",
}
_ASKED = ("acknowledge", "silence", "end_silence", "replay", "enable_channel")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A rule that fires on something; `question` where that is one, and who deals with it."""

    state: RuleState
    question: Question | None
    last: Transition | None
    known: Acknowledgement | None
    severity: str


@router.get("/alerts")
def alerts(
    desk: TheDesk, request: Request, page_number: Annotated[str, Query(alias="page")] = "1"
) -> Response:
    """What fires, the newest first; then silences and channels."""
    now = desk.clock()
    found = _firing(request.app.state.outlook, now)
    pages = max(1, -(-len(found) // ON_PAGE))
    number = page_of(page_number, pages)
    asked = lately(desk, _ASKED)
    return page(
        *(desk, request, "alerts.html"),
        alarms=_alarms(desk, found[(number - 1) * ON_PAGE : number * ON_PAGE]),
        total=len(found),
        number=number,
        pages=pages,
        link=lambda to: address_with(request, page=str(to) if to > 1 else ""),
        here=address_with(request),
        silences=desk.store.alerts.silences(now),
        channels=_channels(desk),
        dead=desk.store.pages.of("deliveries", 5, status="dead").rows,
        asked=asked[:8],
        is_open=bool(desk.config().web.public_feeds),
        **_words(),
    )


@router.post("/alerts/acknowledge")
def acknowledge(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """Say that an alert is known."""
    told = {name: form.get(name) for name in ("rule", "subject", "note")}
    done = f"Acknowledged {told['rule']} on {told['subject']}."
    return ask_and_return(desk, request, "acknowledge", told, form.get("back") or "/alerts", done)


@router.post("/alerts/silence")
def silence(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """Have a rule not ring on one thing for a while."""
    rule, subject, lasts = form.get("rule"), form.get("subject"), form.get("lasts")
    told = {
        "rules": [escape(rule)],
        "questions": [escape(subject)],
        "reason": form.get("reason"),
        "lasts": lasts,
    }
    done = f"{rule} is silenced on {subject} for {lasts}."
    return ask_and_return(desk, request, "silence", told, form.get("back") or "/alerts", done)


@router.post("/alerts/silences/end")
def end_silence(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """End a silence."""
    told = {"silence": form.get("silence")}
    return ask_and_return(desk, request, "end_silence", told, "/alerts", "The silence is over.")


@router.post("/alerts/channels/enable")
def enable(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """Let a channel try again."""
    told = {"channel": form.get("channel")}
    done = f"{told['channel']} tries again."
    return ask_and_return(desk, request, "enable_channel", told, "/alerts", done)


def _firing(outlook: Outlook, now: datetime) -> list[RuleState]:
    """What fires before what recovers, and the newest first."""
    states = sorted(outlook.alarmed(now), key=lambda s: s.since or now, reverse=True)
    return sorted(states, key=lambda s: s.state is not State.FIRING)


def _alarms(desk: Desk, states: Sequence[RuleState]) -> list[Alarm]:
    store = desk.store.alerts
    questions = store.questions_among({state.subject for state in states})
    said = store.acknowledgements([(s.rule_id, s.subject, s.episode) for s in states])
    last = store.last_transitions(states)
    known = {(one.rule_id, one.subject): one for one in said}
    severities = {table.id: table.severity for table in desk.config().rules}
    return [
        Alarm(
            state,
            questions.get(state.subject),
            last.get((state.rule_id, state.subject)),
            known.get((state.rule_id, state.subject)),
            severities.get(state.rule_id, ""),
        )
        for state in states
    ]


def _channels(desk: Desk) -> list[tuple[str, str, ChannelState | None]]:
    """Every channel of the watch: its id, its kind, and how it fares."""
    states = desk.store.alerts.channel_states()
    return [(table.id, table.kind, states.get(table.id)) for table in desk.config().channels]


def named(patterns: Sequence[str], all_of_them: str) -> str:
    """What some patterns fit, as a person would write it: a name that was escaped as it is."""
    told = ", ".join(re.sub(r"\[([*?[])\]", r"\1", pattern) for pattern in patterns)
    return all_of_them if told == "*" and all_of_them else told


def _words() -> dict[str, Any]:
    return {
        "about": about,
        "CHANNELS": CHANNELS,
        "doing": doing_words,
        "named": named,
        "spans": SPANS,
    }
