"""Requests about alerts: acknowledged, silenced, sent again."""

from datetime import timedelta

from forecast import requests
from forecast.alert import Selector
from forecast.clock import format_instant
from forecast.errors import UsageError
from forecast.requests import moment
from forecast.words import parse_days
from jobs import deliveries, silencing
from jobs.app import App
from jobs.requests.act import Act, Result


def acknowledge(app: App, asked: requests.Acknowledge, act: Act) -> Result:
    """Say that an episode is known; the first word on it counts."""
    done = silencing.acknowledge(app, asked.rule, asked.subject, act.author, asked.note, act.now)
    word = done.acknowledgement
    return {
        "rule": asked.rule,
        "subject": asked.subject,
        "episode": word.episode,
        "author": word.author,
        "at": format_instant(word.at),
        "is_first": done.is_first or (act.again and word.at == act.now),
        "channels": list(done.channels),
    }


def silence(app: App, asked: requests.Silence, act: Act) -> Result:
    """Have what fits not ring for a while; twice makes one, as its id follows from its words."""
    if (asked.ends_at is None) == (asked.lasts is None):
        raise UsageError("say how long it lasts, or when it ends_at (one of the two)", at="ends_at")
    silencing.check_severities(asked.severities)
    selector = Selector(
        tuple(asked.rules),
        tuple(asked.questions),
        tuple(asked.units),
        tuple(asked.tags),
        tuple(asked.severities),
    )
    starts_at = moment(asked.starts_at, act.now)
    lasts = timedelta(days=parse_days(asked.lasts)) if asked.lasts else timedelta(0)
    ends_at = moment(asked.ends_at, starts_at + lasts)
    if ends_at <= act.now:
        raise UsageError(f"it would be over since {format_instant(ends_at)}", at="ends_at")
    one = silencing.new_silence(selector, act.author, asked.reason, starts_at, ends_at)
    if not act.again or one.silence_id not in {s.silence_id for s in app.store.alerts.silences()}:
        app.store.alerts.add_silence(one, act.now)
    covered = silencing.covered(app, selector, act.now)
    return {
        "silence": one.silence_id,
        "starts_at": format_instant(starts_at),
        "ends_at": format_instant(ends_at),
        "covers": len(covered),
        "firing": sum(each.is_firing for each in covered),
    }


def end_silence(app: App, asked: requests.EndSilence, act: Act) -> Result:
    """End a silence now."""
    known = {one.silence_id: one for one in app.store.alerts.silences()}
    one = known.get(asked.silence)
    if not (act.again and one and one.ends_at == max(act.now, one.starts_at)):
        one = silencing.end_silence(app, asked.silence, act.author, act.now)
    return {"silence": one.silence_id, "ends_at": format_instant(one.ends_at)}


def replay(app: App, asked: requests.Replay, act: Act) -> Result:
    """Have deliveries sent again that were given up, all or none."""
    if act.again and (ids := _queued_before(app, asked, act)):
        return {"deliveries": ids}
    done = deliveries.replay(app, asked.deliveries, act.now)
    return {"deliveries": [one.delivery_id for one in done]}


def _queued_before(app: App, asked: requests.Replay, act: Act) -> list[str]:
    """The deliveries, where this very request queued them before its process died."""
    found = [app.store.deliveries_named(name, 1) for name in asked.deliveries]
    are_queued = all(some and some[0].queued_at == act.now for some in found)
    return [some[0].delivery_id for some in found] if are_queued else []


def enable_channel(app: App, asked: requests.EnableChannel, act: Act) -> Result:
    """Let a channel try again that was switched off."""
    state = app.store.alerts.channel_states().get(asked.channel)
    if act.again and state and state.since == act.now and state.author == act.author:
        return {"channel": asked.channel}
    done = deliveries.enable(app, asked.channel, act.author, act.now)
    return {"channel": asked.channel, "waiting": done.waiting, "dead": done.dead}
