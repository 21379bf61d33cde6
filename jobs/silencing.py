"""What people say of alerts: an episode is known, or something is not to ring for a while."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import get_args

from alerts.facts import again, notice_id
from forecast.alert import (
    ALARMED,
    Acknowledgement,
    Notice,
    NoticeKind,
    Selector,
    Silence,
    Target,
)
from forecast.alert_tables import Severity, alert_rules
from forecast.clock import format_instant
from forecast.errors import UsageError
from forecast.names import did_you_mean, matches
from forecast.selecting import fits
from forecast.store import Told
from jobs.app import App
from jobs.standings import running_questions, watched


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who acknowledged an episode; not us unless `is_first`. `channels` are told of it."""

    acknowledgement: Acknowledgement
    is_first: bool
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Covered:
    """A rule on a subject that a silence is about, and whether it fires now."""

    target: Target
    is_firing: bool


def acknowledge(
    app: App, rule_id: str, subject: str, author: str, note: str, now: datetime
) -> Acknowledged:
    """Note that an episode is known, and tell all who were told of it; UsageError if none fires.

    `subject` is a question, a unit or a channel. The first word on an episode counts.
    """
    state = app.store.alerts.state(rule_id, subject)
    if state is None or state.state not in ALARMED:
        raise UsageError(_why_not(app, rule_id, subject))
    episode = (rule_id, subject, state.episode)
    word = Acknowledgement(*episode, author, note.strip(), now)
    told = [
        _acknowledged(one, word) for one in app.store.alerts.notices_of([episode]) if _is_told(one)
    ]
    if app.store.alerts.acknowledge(word, told):
        return Acknowledged(word, True, tuple(notice.channel for notice in told))
    (first,) = app.store.alerts.acknowledgements([episode])
    return Acknowledged(first, False, ())


def _is_told(told: Told) -> bool:
    notice = told.notice
    is_alive = notice.status != "withheld" and told.delivery_status != "dead"
    return notice.kind is NoticeKind.FIRING and is_alive


def _acknowledged(told: Told, word: Acknowledgement) -> Notice:
    firing, kind = told.notice, NoticeKind.ACKNOWLEDGED
    by = {"author": word.author, "note": word.note, "at": word.at}
    return Notice(
        notice_id=notice_id(
            firing.channel, firing.rule_id, firing.subject, firing.episode, kind.value
        ),
        channel=firing.channel,
        rule_id=firing.rule_id,
        subject=firing.subject,
        episode=firing.episode,
        kind=kind,
        severity=firing.severity,
        route=firing.route,
        created_at=word.at,
        facts=again(firing.facts, kind.value, word.at, acknowledged=by, since=firing.created_at),
    )


def _why_not(app: App, rule_id: str, subject: str) -> str:
    rules = [table.id for table in alert_rules(app.config.rules)]
    stands = {s.subject: s for s in app.store.alerts.states() if s.rule_id == rule_id}
    if rule_id not in rules and not stands:
        return f"there is no rule '{rule_id}'{did_you_mean(rule_id, rules)}"
    if subject in stands:
        now = stands[subject].state.value
        return f"rule '{rule_id}' does not fire on '{subject}' now; its state is {now}"
    return f"rule '{rule_id}' has never looked at '{subject}'{did_you_mean(subject, stands)}"


def check_severities(patterns: Sequence[str]) -> None:
    """UsageError for a pattern that fits no severity there is: it would fit nothing, ever."""
    known = get_args(Severity)
    for pattern in patterns:
        if not any(matches(severity, [pattern]) for severity in known):
            words = f"no severity fits '{pattern}'; there are {', '.join(known)}"
            raise UsageError(words, at="--severities")


def new_silence(
    selector: Selector, author: str, reason: str, starts_at: datetime, ends_at: datetime
) -> Silence:
    """A silence with an id of its own; UsageError for one that cannot be."""
    reason = reason.strip()
    if not reason:
        raise UsageError("a silence takes a reason: others will wonder why nothing rings")
    if ends_at <= starts_at:
        ends, starts = _second(ends_at), _second(starts_at)
        raise UsageError(f"a silence that begins at {starts} cannot end at {ends}")
    words = [asdict(selector), author, reason, starts_at.isoformat(), ends_at.isoformat()]
    digest = hashlib.sha256(json.dumps(words).encode()).hexdigest()
    return Silence(f"s-{digest[:8]}", selector, author, reason, starts_at, ends_at)


def covered(app: App, selector: Selector, now: datetime) -> list[Covered]:
    """Every rule on an open question, a unit or a channel that a silence is about; firing first."""
    firing = {(s.rule_id, s.subject) for s in app.store.alerts.states() if s.state in ALARMED}
    found = [
        Covered(target, (target.rule, target.question) in firing)
        for _, target in watched(app.config, running_questions(app, now))
        if fits(selector, target)
    ]
    return sorted(found, key=lambda one: not one.is_firing)


def end_silence(app: App, silence_id: str, author: str, now: datetime) -> Silence:
    """End a silence now, by another row of it; UsageError where it is over or there is none."""
    known = {silence.silence_id: silence for silence in app.store.alerts.silences()}
    silence = known.get(silence_id)
    if silence is None:
        raise UsageError(f"there is no silence '{silence_id}'{did_you_mean(silence_id, known)}")
    if silence.ends_at <= now:
        raise UsageError(f"silence '{silence_id}' has been over since {_second(silence.ends_at)}")
    ended = replace(
        silence,
        ends_at=max(now, silence.starts_at),
        reason=f"{silence.reason} (ended early by {author})",
    )
    app.store.alerts.add_silence(ended, now)
    return ended


def _second(instant: datetime) -> str:
    return format_instant(instant.replace(microsecond=0))
