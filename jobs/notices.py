"""Who is to be told of a transition, and what: one notice for each channel."""

from typing import Any
from urllib.parse import quote

from alerts.facts import build_facts, notice_id, subject_facts
from alerts.readings import Baseline
from forecast.alert import Notice, NoticeKind, Rule, Target, Transition
from forecast.estimate import Estimate
from forecast.question import Question
from jobs.app import App

TELL_AGAIN = (NoticeKind.FIRING, NoticeKind.OUTCOME)


def notices_about(
    app: App,
    question: Question,
    rule: Rule,
    transition: Transition,
    estimate: Estimate | None,
    last: Estimate | None,
    *,
    baseline: Baseline | None = None,
    outcome: str = "",
) -> list[Notice]:
    """The notices of a transition on a question; `last` is the estimate before this one.

    `baseline` is what a rule of kind change compared with, `outcome` how the question ended.
    """
    channels, began = _audience(app, transition, app.config.target(rule, question))
    if not channels:
        return []
    facts = build_facts(
        question,
        rule,
        transition,
        estimate,
        link_to(app, question.question_id),
        previous_at=last.as_of if last else None,
        meanings={tag: i.meaning for tag, i in app.config.indicators.items()},
        crowd=[
            c
            for c in app.store.crowd(question.question_id)
            if estimate is None or c.at < estimate.as_of
        ],
        baseline=baseline,
        outcome=outcome,
    )
    return _notices(rule, transition, channels, facts | began)


def notices_on(app: App, rule: Rule, transition: Transition, what: str, title: str) -> list[Notice]:
    """The notices of a transition on a unit, channel or source (`what`); not to that channel."""
    unit = transition.subject if what == "unit" else ""
    target = Target(rule.rule_id, transition.subject, unit, (), rule.severity)
    found, began = _audience(app, transition, target)
    channels = [c for c in found if what != "channel" or c != transition.subject]
    facts = subject_facts(rule, transition, what, title) | began
    return _notices(rule, transition, channels, facts)


def link_to(app: App, question_id: str) -> str:
    """The page of a question, where the watch has a link."""
    link = app.config.watch.link
    return f"{link.rstrip('/')}/questions/{quote(question_id, safe='')}" if link else ""


def _audience(app: App, transition: Transition, target: Target) -> tuple[list[str], dict[str, str]]:
    """Those who subscribed; of an end, those who were to be told of its beginning.

    Beside them what the facts of an end say more: `since`, when it began to fire.
    """
    if not transition.notify:
        return [], {}
    if transition.notify in TELL_AGAIN:
        return app.config.channels_for(target), {}
    episode = (transition.rule_id, transition.subject, transition.episode)
    told = [one.notice for one in app.store.alerts.notices_of([episode])]
    began = [notice.facts["at"] for notice in told if notice.kind is NoticeKind.FIRING]
    channels = list(dict.fromkeys(notice.channel for notice in told))
    return channels, {"since": began[0]} if began else {}


def _notices(
    rule: Rule, transition: Transition, channels: list[str], facts: dict[str, Any]
) -> list[Notice]:
    return [
        Notice(
            notice_id(
                channel,
                transition.rule_id,
                transition.subject,
                transition.episode,
                transition.notify,
            ),
            channel,
            transition.rule_id,
            transition.subject,
            transition.episode,
            NoticeKind(transition.notify),
            rule.severity,
            transition.route,
            transition.at,
            facts,
        )
        for channel in channels
    ]
