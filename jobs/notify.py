"""What is to be told, formed into the messages that go out now."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from alerts.fates import BEGINNINGS
from alerts.forming import Desk, Formed, form, longest_look
from alerts.mutes import Mutes, silence_over
from alerts.registry import kind_of, traits_of
from forecast.alert import (
    ALARMED,
    Delivery,
    Notice,
    Route,
    Rule,
    RuleKind,
    RuleState,
    Silence,
    Target,
)
from forecast.alert_tables import ChannelTable, alert_rules
from forecast.config import Config
from forecast.errors import ConfigError, ConflictError
from forecast.question import Question
from jobs.app import App

TRIES = 5
READY = "goes out in the next round"


def form_due(app: App, now: datetime) -> list[Delivery]:
    """Turn what waits into deliveries; again where another process was first with some of it.

    One that is always first leaves nothing to us: what it has left is formed the next time.
    """
    app.store.alerts.reopen_ends()
    for _ in range(TRIES):
        waiting = app.store.alerts.waiting(light=True)
        if not waiting:
            return []
        desk = gather(app, waiting, now)
        formed = form(waiting, desk, now)
        if not formed.deliveries and not formed.withheld:
            return []
        formed = _with_facts(app, waiting, formed, desk, now)
        try:
            app.store.alerts.form(formed.deliveries, formed.withheld, now)
        except ConflictError:
            continue
        return [delivery for delivery, _ in formed.deliveries]
    return []


def look(app: App, now: datetime) -> list[tuple[Notice, str]]:
    """Every notice that waits, and in words for what; nothing is formed."""
    waiting = app.store.alerts.waiting(light=True)
    if not waiting:
        return []
    formed = form(waiting, gather(app, waiting, now), now)
    reasons = dict(formed.held)
    reasons |= {one: f"is about to be left out: {reason}" for one, reason in formed.withheld}
    return [(notice, reasons.get(notice.notice_id, READY)) for notice in waiting]


def gather(app: App, waiting: Sequence[Notice], now: datetime) -> Desk:
    """All that decides over what waits.

    It is read after what waits: what another process has formed since is among `undelivered`.
    """
    config, alerts = app.config, app.store.alerts
    followers = [notice for notice in waiting if notice.kind not in BEGINNINGS]
    inhibited_by = {t.id: t.inhibited_by for t in alert_rules(config.rules) if t.inhibited_by}
    silences = alerts.silences(until=now)
    targets = _targets(app, waiting) if silences or config.quiet or inhibited_by else {}
    if inhibited_by:
        units = {target.unit for target in targets.values()}
        states = _alarmed(app, {t.id for t in alert_rules(config.rules)}, waiting, units)
    else:
        states = _alarmed(app, set(), followers)
    firing: dict[str, set[str]] = {}
    for state in (s for s in states if s.route is Route.NOW):  # a digest keeps nobody back
        firing.setdefault(state.subject, set()).add(state.rule_id)
    return Desk(
        channels={table.id: table for table in config.channels},
        grouped=frozenset(table.id for table in config.channels if is_grouped(table)),
        mutes=Mutes(
            silences=silences,
            quiet=config.quiet,
            inhibited_by=inhibited_by,
            firing={subject: frozenset(rules) for subject, rules in firing.items()},
            heard=_heard(app, states, silences, now) if inhibited_by else {},
        ),
        targets=targets,
        told=alerts.notices_of({(n.rule_id, n.subject, n.episode) for n in followers}, light=True),
        undelivered=alerts.undelivered(),
        made=alerts.made_since(now - longest_look(config.channels)),
        channel_states=alerts.channel_states(),
        ongoing={(s.rule_id, s.subject): s.episode for s in states},
    )


def _heard(
    app: App, states: Sequence[RuleState], silences: Sequence[Silence], now: datetime
) -> dict[tuple[str, str], frozenset[str]]:
    """On which channels the rules that fire ring, where nobody has silenced them."""
    config = app.config
    severities = {table.id: table.severity for table in alert_rules(config.rules)}
    questions = app.store.alerts.questions_among(sorted({s.subject for s in states}))
    found = {}
    for state in states:
        key = (state.rule_id, state.subject)
        target = target_of(config, *key, questions)
        target = replace(target, severity=severities.get(state.rule_id, target.severity))
        is_silenced = silence_over(target, silences, now) is not None
        found[key] = frozenset(() if is_silenced else config.channels_for(target))
    return found


def _targets(app: App, waiting: Iterable[Notice]) -> dict[tuple[str, str], Target]:
    keys = {(notice.rule_id, notice.subject) for notice in waiting}
    questions = app.store.alerts.questions_among(sorted({subject for _, subject in keys}))
    return {key: target_of(app.config, *key, questions) for key in keys}


def target_of(
    config: Config, rule_id: str, subject: str, questions: Mapping[str, Question]
) -> Target:
    """What selectors are held against, of a rule that may be gone by now too."""
    if question := questions.get(subject):
        return config.target(Rule(rule_id), question)
    kinds = (RuleKind.CHANNEL, RuleKind.SOURCE)
    aside = {table.id for table in alert_rules(config.rules) if table.kind in kinds}
    return Target(rule_id, subject, "" if rule_id in aside else subject)


def is_grouped(table: ChannelTable) -> bool:
    """Whether a channel takes several alerts as one message."""
    if table.grouped is not None:
        return table.grouped
    try:
        return traits_of(kind_of(table)).is_grouped
    except ConfigError:  # the outbox will say what is wrong with it
        return True


def _alarmed(
    app: App,
    rules: AbstractSet[str],
    notices: Iterable[Notice],
    units: AbstractSet[str] = frozenset(),
) -> list[RuleState]:
    """Of some rules, and those of the notices, what fires on their subjects or on `units`."""
    keys = {(notice.rule_id, notice.subject) for notice in notices}
    if not keys:
        return []
    rules, subjects = rules | {rule for rule, _ in keys}, units | {subject for _, subject in keys}
    states = app.store.alerts.states_of(sorted(rules), sorted(subjects))
    return [state for state in states if state.state in ALARMED]


def _with_facts(
    app: App, waiting: Sequence[Notice], formed: Formed, desk: Desk, now: datetime
) -> Formed:
    """The same once more, with the facts of what goes out."""
    ids = [one for _, group in formed.deliveries for one in group]
    whole = {notice.notice_id: notice for notice in app.store.alerts.notices_named(ids)}
    return form([whole.get(n.notice_id, n) for n in waiting], desk, now)
