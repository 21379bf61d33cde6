"""What the harness proves: nothing lost, nothing made up, nothing told under two ids."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from alerts.decide import decide
from alerts.readings import Reading
from forecast.alert import NoticeKind, RuleState, Transition
from forecast.store import Store, Told
from forecast.store.schema import estimate
from forecast.watch import Watch

INTEGRITY = "integrity"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of one run of the harness; all but the first five and `kills` have to be 0.

    `decisions` are the transitions that asked for a message; `notices` the things to be told to
    the channels for them, `withheld` those that were rightly not told, `messages` the deliveries
    that were formed of the rest, and `copies` the times that a message came again under its id.
    """

    kills: int
    decisions: int
    notices: int
    withheld: int
    messages: int
    copies: int
    lost: int
    phantom: int
    doubled: int
    out_of_order: int
    undecided: int
    changed: int
    forged: int
    damage: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        wrong = (self.lost, self.phantom, self.doubled, self.out_of_order, self.undecided)
        return not any((*wrong, self.changed, self.forged, *self.damage))


def judge(
    store: Store,
    watch: Watch,
    taken: Mapping[str, Mapping[str, int]],
    kills: int,
    changed: int,
    forged: int,
) -> Verdict:
    """Hold what the receivers took against what the store says, and that against its estimates."""
    transitions = [t for t in store.alerts.transitions() if t.notify]
    told = store.alerts.notices_of((t.rule_id, t.subject, t.episode) for t in transitions)
    formed = [t for t in told if t.notice.status == "formed"]
    withheld = [t for t in told if t.notice.status == "withheld"]
    expected = {(t.notice.channel, t.notice.delivery_id) for t in formed}
    received = {(channel, one) for channel, ids in taken.items() for one in ids}
    lost = len(expected - received) + _untold(
        transitions, told, [c.id for c in watch.config.channels]
    )
    lost += sum(t.notice.status == "waiting" for t in told)
    return Verdict(
        kills=kills,
        decisions=len(transitions),
        notices=len(told),
        withheld=len(withheld),
        messages=len(expected),
        copies=sum(n - 1 for ids in taken.values() for n in ids.values()),
        lost=lost,
        phantom=len(received - expected),
        doubled=_doubled(told),
        out_of_order=_out_of_order(formed),
        undecided=_undecided(store, watch, transitions),
        changed=changed,
        forged=forged,
        damage=[f"{c.name}: {c.detail}" for c in store.check() if not c.ok and c.name != "sqlite"],
    )


def _untold(transitions: Iterable[Transition], told: Iterable[Told], channels: list[str]) -> int:
    """Decisions that no notice tells to a channel.

    An end is told to those who were to be told the beginning: here, all; but a channel is not
    told of itself.
    """
    known = {(t.notice.channel, *_of(t)) for t in told}
    return sum(
        (channel, t.rule_id, t.subject, t.episode, t.notify) not in known
        for t in transitions
        for channel in channels
        if channel != t.subject
    )


def _of(told: Told) -> tuple[str, str, int, str]:
    notice = told.notice
    return notice.rule_id, notice.subject, notice.episode, notice.kind.value


def _doubled(told: Iterable[Told]) -> int:
    """Things that were told to one channel under two ids."""
    told = list(told)
    things = Counter((t.notice.channel, *_of(t), t.notice.number) for t in told)
    return sum(count - 1 for count in things.values())


def _out_of_order(formed: Iterable[Told]) -> int:
    """Ends that were delivered before the beginning was."""
    at: dict[tuple[str, str, str, int], dict[NoticeKind, datetime]] = {}
    for t in formed:
        notice = t.notice
        key = (notice.channel, notice.rule_id, notice.subject, notice.episode)
        if t.delivered_at is not None:
            at.setdefault(key, {})[notice.kind] = t.delivered_at
    pairs = (
        (times.get(NoticeKind.FIRING), times.get(NoticeKind.RESOLVED)) for times in at.values()
    )
    return sum(end is not None and (start is None or end < start) for start, end in pairs)


def _undecided(store: Store, watch: Watch, transitions: Iterable[Transition]) -> int:
    """Differences between the transitions on questions and what their estimates ask for."""
    asked_of = {question.question_id for question in store.questions()}
    stored = Counter(
        (t.rule_id, t.subject, t.episode, t.notify) for t in transitions if t.subject in asked_of
    )
    asked: Counter[tuple[str, str, int, str]] = Counter()
    recorded = defaultdict(list)
    for name, as_of, p in store._database.read(_in_order_of_recording):
        recorded[name].append((as_of, p))
    for question in store.questions():
        for rule in watch.config.lines_for(question):
            state: RuleState | None = None
            for as_of, p in recorded[question.question_id]:
                reading = Reading(question.question_id, as_of, p)
                state, made = decide(rule, state, reading, as_of)
                if made is not None and made.notify:
                    asked[rule.rule_id, question.question_id, made.episode, made.notify] += 1
    return (asked - stored).total() + (stored - asked).total()


def _in_order_of_recording(connection: Connection) -> list[tuple[str, datetime, float]]:
    """(question, as_of, probability): a slot that was taken over late stands where it was made."""
    columns = (estimate.c.question_id, estimate.c.as_of, estimate.c.probability)
    rows = connection.execute(select(*columns).order_by(estimate.c.row_id))
    return [(name, as_of, p) for name, as_of, p in rows]
