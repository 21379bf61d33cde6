"""Reminders of what still fires, to those who were told of it and where nobody took it up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.facts import Facts, again, build_facts, notice_id
from alerts.fates import AHEAD
from alerts.phrases import minute
from forecast.alert import Notice, NoticeKind, Route, Rule, RuleHealth, State, Transition
from forecast.alert_tables import alert_rules
from forecast.question import Question
from forecast.store import Told
from forecast.store.notices import Episode
from jobs.app import App
from jobs.notices import link_to
from jobs.notify import target_of

REASON = "still_firing"
_RUNG = (NoticeKind.FIRING, NoticeKind.REMINDER)


@dataclass(frozen=True, slots=True)
class _Due:
    """The next reminder of an episode to one channel, after the firing and the last that it had."""

    rule: Rule
    firing: Notice
    last: Notice

    @property
    def number(self) -> int:
        return self.last.number + 1


def remind(app: App, now: datetime) -> int:
    """Add the reminders that are due by now to what is to be told; how many.

    A reminder is due `repeat` after the last one, or the firing, was delivered. Its id is the
    same whoever makes it, so that two processes make one.
    """
    rules = {t.id: t.rule() for t in alert_rules(app.config.rules) if t.repeat}
    if not rules:
        return 0
    episodes = _unattended(app, rules)
    if not episodes:
        return 0
    told = app.store.alerts.notices_of(episodes)
    questions = app.store.alerts.questions_among({subject for _, subject, _ in episodes})
    due = [one for one in _due(rules, told, now) if _is_subscribed(app, one, questions)]
    notices = [_notice(one, _facts(app, one, questions, now), now) for one in due]
    if notices:
        app.store.record(to_tell=notices, recorded_at=now)
    return len(notices)


def _unattended(app: App, rules: Mapping[str, Rule]) -> list[Episode]:
    """The episodes that fire, rang at once, are of good health and nobody acknowledged."""
    alerts = app.store.alerts
    rung = alerts.open_episodes(rules)
    if not rung:
        return []
    states = alerts.states_of(rules, {subject for _, subject, _ in rung})
    firing = {
        (s.rule_id, s.subject, s.episode)
        for s in states
        if s.state is State.FIRING and s.health is RuleHealth.HEALTHY and s.route is Route.NOW
    }
    taken = {(a.rule_id, a.subject, a.episode) for a in alerts.acknowledgements(rung)}
    return [episode for episode in rung if episode in firing - taken]


def _due(rules: Mapping[str, Rule], told: Iterable[Told], now: datetime) -> list[_Due]:
    """For each episode and channel, where its last ring was delivered long enough ago."""
    firings: dict[tuple[str, ...], Notice] = {}
    last: dict[tuple[str, ...], Told] = {}
    for one in told:
        if one.notice.kind in _RUNG:
            key = (one.notice.channel, one.notice.rule_id, one.notice.subject)
            firings.setdefault(key, one.notice)
            last[key] = one
    return [
        _Due(rules[ring.notice.rule_id], firings[key], ring.notice)
        for key, ring in last.items()
        if (since := _rung_at(ring)) is not None
        and (
            since > now + AHEAD
            or now - since >= (rules[ring.notice.rule_id].repeat or timedelta.max)
        )
    ]


def _rung_at(ring: Told) -> datetime | None:
    """When a ring was over, None while it is still to be told, and of a firing that never was.

    A reminder that was given up does not end them: the next may come through.
    """
    is_over = ring.delivery_status == "dead" or ring.notice.status == "withheld"
    if ring.notice.kind is NoticeKind.REMINDER and is_over:
        return ring.notice.created_at
    return ring.delivered_at


def _is_subscribed(app: App, due: _Due, questions: Mapping[str, Question]) -> bool:
    target = target_of(app.config, due.rule.rule_id, due.firing.subject, questions)
    return due.firing.channel in app.config.channels_for(target)


def _notice(due: _Due, facts: Facts, now: datetime) -> Notice:
    ring = due.firing
    return Notice(
        notice_id=notice_id(
            ring.channel, ring.rule_id, ring.subject, ring.episode, "reminder", due.number
        ),
        channel=ring.channel,
        rule_id=ring.rule_id,
        subject=ring.subject,
        episode=ring.episode,
        kind=NoticeKind.REMINDER,
        severity=due.rule.severity,
        route=Route.NOW,
        created_at=now,
        facts=facts,
        number=due.number,
    )


def _facts(app: App, due: _Due, questions: Mapping[str, Question], now: datetime) -> Facts:
    """Those of the firing with today's numbers; `previous` is what was told last."""
    told, began = due.firing.facts, due.firing.created_at
    more = {"number": due.number, "since": began}
    question = questions.get(due.firing.subject) if told.get("question") else None
    estimate = app.store.latest_estimate(question.question_id) if question else None
    if question is None or estimate is None:
        return again(told, "reminder", now, **more)
    before = due.last.facts.get("probability")
    transition = Transition(
        rule_id=due.rule.rule_id,
        subject=question.question_id,
        at=now,
        before=State.FIRING,
        after=State.FIRING,
        reason=REASON,
        detail=f"Still firing since {minute(began)}; nobody has acknowledged it.",
        episode=due.firing.episode,
        probability=estimate.probability,
        previous=before,
        notify=NoticeKind.REMINDER.value,
    )
    fresh = build_facts(
        question,
        due.rule,
        transition,
        estimate,
        link_to(app, question.question_id),
        previous_at=due.last.created_at,
        meanings={tag: i.meaning for tag, i in app.config.indicators.items()},
        crowd=[c for c in app.store.crowd(question.question_id) if c.at < estimate.as_of],
    )
    kept = {"baseline": told["baseline"]} if told.get("baseline") else {}
    return again(fresh | kept, "reminder", now, **more)
