"""What still fires is told again, past the outbox, to receivers that forget what is not.

Such a receiver ends an alert by itself when it hears no more of it, and after a restart knows
none. So once a `Traits.refresh` all that stands there goes out anew: what fires, and for five
minutes what has ended. A refresh that fails is not tried again; the next one says it all.

https://prometheus.io/docs/alerting/latest/alerts_api/
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING

from alerts import registry
from alerts.address import parse_networks
from alerts.api import Verdict
from alerts.channels import transports
from alerts.facts import SCHEMA, Facts
from alerts.outbox import Post
from forecast.alert import ALARMED, NoticeKind, RuleState
from forecast.alert_tables import ChannelTable
from forecast.clock import format_instant
from forecast.errors import TocsinError

if TYPE_CHECKING:
    from forecast.store.notices import Episode, Told

LAST_WORD = timedelta(minutes=5)
LOOK_BACK = timedelta(days=1)
MISSES = 5  # what is not refreshed so many times over ends by itself
BATCH = 256  # alerts in a message, as many as Prometheus sends in one
_STANDS = (NoticeKind.FIRING, NoticeKind.REMINDER, NoticeKind.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class _Refresh:
    """One channel's refresh: what stands there, as messages."""

    table: ChannelTable
    messages: Sequence[Facts]


def episodes(states: Iterable[RuleState], now: datetime) -> "list[Episode]":
    """The episodes whose notices `standing` needs: those that fire, or ended in the last day.

    A day, since the word that one ended may itself be delivered late.
    """
    return [
        (state.rule_id, state.subject, state.episode)
        for state in states
        if state.episode and (state.state in ALARMED or _is_recent(state.since, now))
    ]


def standing(
    told: "Iterable[Told]", states: Iterable[RuleState], now: datetime
) -> dict[str, list[Facts]]:
    """The facts of all that stands, by channel; `told` are the notices of `episodes(states)`.

    An episode stands on a channel from the delivery of its firing until it ends, whether or not
    its end was told there; and for 5 minutes after that was delivered its end stands. Only the
    newest episode of a rule on a subject that a channel heard of counts. Facts have `since`, the
    episode's beginning, beside their own.
    """
    alarmed = {(s.rule_id, s.subject, s.episode) for s in states if s.state in ALARMED}
    stories: dict[tuple[str, str, str], dict[int, list[Told]]] = defaultdict(dict)
    for one in told:
        notice = one.notice
        story = stories[notice.channel, notice.rule_id, notice.subject]
        story.setdefault(notice.episode, []).append(one)
    found: dict[str, list[Facts]] = defaultdict(list)
    for (channel, rule_id, subject), story in stories.items():
        begun = [number for number, rows in story.items() if _began(rows)]
        if not begun:
            continue
        fires = (rule_id, subject, max(begun)) in alarmed
        if facts := _last_word(story[max(begun)], fires, now):
            found[channel].append(facts)
    return dict(found)


def refresh(
    told: "Iterable[Told]",
    states: Iterable[RuleState],
    tables: Iterable[ChannelTable],
    now: datetime,
    *,
    post: Post = transports.post,
    kinds: Sequence[EntryPoint] | None = None,
    folder: Path = Path(),
) -> list[str]:
    """Tell every channel that forgets what stands; what went wrong, a line for each channel.

    `tables` are those of watch.toml that are not disabled, in `folder`; `kinds` stands in for
    the installed kinds. No line holds a URL or a secret.
    """
    stands = standing(told, states, now)
    work, problems = [], []
    for table in tables:
        try:
            every = registry.traits_of(registry.kind_of(table, kinds)).refresh
        except TocsinError as error:
            problems.append(_line(table, error.message))
            continue
        if every is not None and table.id in stands:
            work.append(_Refresh(table, _messages(stands[table.id], now, MISSES * every)))
    if not work:
        return problems
    # A receiver that hangs delays no other.
    with ThreadPoolExecutor(len(work)) as threads:
        answers = threads.map(lambda one: _tell(one, now, post, kinds, folder), work)
        return problems + [line for line in answers if line]


def _began(rows: "Sequence[Told]") -> bool:
    return any(one.notice.kind is NoticeKind.FIRING and _is_delivered(one) for one in rows)


def _last_word(rows: "Sequence[Told]", fires: bool, now: datetime) -> Facts | None:
    """The facts to tell of an episode whose firing was delivered; None where it needs no word."""
    began = next(o.notice.facts["at"] for o in rows if o.notice.kind is NoticeKind.FIRING)
    ended = [one for one in rows if one.notice.kind is NoticeKind.RESOLVED]
    if fires and not ended:
        last = [one for one in rows if one.notice.kind in _STANDS and _is_delivered(one)][-1]
        return last.notice.facts | {"since": began}
    for last in ended:
        if _is_delivered(last) and last.delivered_at and now - last.delivered_at < LAST_WORD:
            return last.notice.facts | {"since": began}
    return None


def _messages(facts: Sequence[Facts], now: datetime, lasts: timedelta) -> list[Facts]:
    """Groups of facts, in which what fires says until when it does so unless told again."""
    until = {"stands_until": format_instant(now + lasts)}
    return [
        {
            "schema": SCHEMA,
            "kind": "group",
            "at": format_instant(now),
            "severity": "info",
            "link": "",
            "members": [one | until for one in some],
        }
        for some in batched(facts, BATCH)
    ]


def _tell(
    work: _Refresh,
    now: datetime,
    post: Post,
    kinds: Sequence[EntryPoint] | None,
    folder: Path,
) -> str:
    """Send one channel's messages until one fails; "" where none does. Never raises."""
    table = work.table
    try:
        channel = registry.open_channel(table, kinds, folder)
        networks = parse_networks(table.allow)
        for facts in work.messages:
            request = channel.request(facts, "refresh", now)
            reply = post(request.url, request.body, request.headers, networks)
            outcome = channel.judge(reply, now)
            if outcome.verdict is not Verdict.DELIVERED:
                return _line(table, outcome.reason)
    except TocsinError as error:
        return _line(table, error.message)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's defect is its own
        return _line(table, f"defect in the channel kind '{table.kind}': {type(error).__name__}")
    return ""


def _line(table: ChannelTable, reason: str) -> str:
    return f"channel {table.id} was not refreshed: {reason}"


def _is_delivered(told: "Told") -> bool:
    return told.delivery_status == "delivered"


def _is_recent(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since < LOOK_BACK
