"""How a question ends, from what is known: one rule, used everywhere.

    1. what a person stated stands, until it is taken back
    2. as many events of the definition as it asks for, inside the window: yes, from when the
       last of them that was needed was known
    3. a question that lies inside it was stated to have ended yes: yes
    4. a question that it lies inside was stated to have ended no: no
    5. the deadline and the grace that the criteria allow have passed: no

An event that happened before the deadline and became known after it still counts, as long as
the grace lasts: until then the question is closed to forecasts, and waits. One that becomes
known after the grace corrects the no from then on, or leaves it where the definition says
`late_events = "stand"`. What was derived is derived anew each time, so it falls with an event
that is retracted or corrected out of the window, and with the word that it followed from.

To reopen is to take back what stood. The events that it rested on do not count for the question
any more, and the clock says no more of one that was reopened after its grace.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from forecast.clock import DAY
from forecast.evidence import RULE, Event, Outcome, Resolution, Superseded
from forecast.question import Question, Snapshot
from forecast.words import parse_days

if TYPE_CHECKING:
    from forecast.config import Config


@dataclass(frozen=True, slots=True)
class Counting:
    """The events that count for a question, in the order in which they were known to.

    `known` is from when each of them counts, without a break; `ended` when others ceased to;
    `aside` are those that a reopening put aside.
    """

    events: tuple[Event, ...]
    known: dict[str, datetime]
    ended: tuple[datetime, ...]
    aside: tuple[Event, ...] = ()


class Endings:
    """How the questions at one unit end, as of a snapshot: pure, and indexed once."""

    def __init__(self, config: "Config", snapshot: Snapshot) -> None:
        self._config, self._snapshot = config, snapshot
        self._asked = {question.question_id: question for question in snapshot.questions}
        self._standing = {end.question_id: end for end in snapshot.resolutions}
        self._rows: dict[str, list[Resolution]] = defaultdict(list)
        for row in (*snapshot.earlier_resolutions, *snapshot.resolutions):
            self._rows[row.question_id].append(row)
        self._related: dict[str, list[Question]] = defaultdict(list)
        self._stated: dict[tuple[str, Outcome], list[Question]] = defaultdict(list)
        self._counted: dict[str, Counting] = {}
        self._events: dict[str, tuple[list[Event], list[Superseded[Event]]]] = {}
        for question in snapshot.questions:
            self._related[self._root(question)].append(question)
            if (end := self._standing.get(question.question_id)) and not end.is_derived:
                self._stated[self._root(question), end.outcome].append(question)

    def of(self, question: Question) -> Resolution | None:
        """How a question ended, or None while it is open or waiting.

        Of one whose definition is not known nothing is derived.
        """
        recorded = self._standing.get(question.question_id)
        is_known = question.definition in self._config.definitions
        if not is_known or (recorded is not None and not recorded.is_derived):
            return recorded
        found = self._derived(question)
        if found is None:
            return None
        if recorded is not None and self._still_holds(question, recorded, found):
            return recorded
        later = [r for r in self._rows[question.question_id] if r.known_at > found.known_at]
        # facts that came in after their time: what was recorded stood until now
        return replace(found, known_at=self._snapshot.as_of) if later else found

    def withdrawn(self, question: Question) -> Resolution | None:
        """The row that takes back what was derived and recorded, where it follows no more."""
        recorded = self._standing.get(question.question_id)
        if recorded is None or self.of(question) is not None:
            return None
        return replace(
            recorded,
            known_at=self._snapshot.as_of,
            reason=f"what the {recorded.outcome.value} rested on is not there any more",
            events=(),
            retracted=True,
        )

    def counting(self, question: Question) -> Counting:
        """The events that count for a question, without those that a reopening put aside."""
        name = question.question_id
        if name not in self._counted:
            self._counted[name] = self._count(question)
        return self._counted[name]

    def grace_of(self, question: Question) -> timedelta:
        """How long after the deadline an event may become known and still count."""
        return timedelta(days=parse_days(self._config.definitions[question.definition].grace))

    def contested(self, question: Question) -> str:
        """What speaks against the word of a person that stands, or ""."""
        stated = self._standing.get(question.question_id)
        if stated is None or stated.is_derived or stated.outcome is Outcome.VOID:
            return ""
        found = self._yes(question) or self._from_around(question)
        return found.reason if found and found.outcome is not stated.outcome else ""

    def contradiction(self, question: Question, outcome: Outcome) -> str:
        """Why an outcome cannot be stated beside those of nested questions, or ""."""
        root = self._root(question)
        if outcome is Outcome.YES:
            for other in self._stated[root, Outcome.NO]:
                if self._implies(question, other):
                    return _against(other, self._standing[other.question_id], "around", question)
        if outcome is Outcome.NO:
            for other in self._related[root]:
                end = self.of(other) if self._implies(other, question) else None
                if end is not None and end.outcome is Outcome.YES:
                    return _against(other, end, "inside", question)
            counted = self.counting(question).events
            narrower = [event for event in counted if event.definition != question.definition]
            if len(narrower) >= question.at_least:
                return _event_against(narrower[0], question)
        return ""

    def after_reopening(self, question: Question, row: Resolution) -> Resolution | None:
        """The same outcome, where it would follow again of what is left once `row` was added."""
        seen = self._snapshot
        stand = tuple(r for r in seen.resolutions if r.question_id != row.question_id)
        fallen = tuple(r for r in seen.resolutions if r.question_id == row.question_id)
        rows = (*seen.earlier_resolutions, *fallen, row)
        later = replace(seen, resolutions=stand, earlier_resolutions=rows)
        end = Endings(self._config, later).of(question)
        return end if end is not None and end.outcome is row.outcome else None

    def related(self, question: Question) -> list[Question]:
        """The questions at the unit of one root definition, this one among them."""
        return list(self._related[self._root(question)])

    def state(self, stated: Resolution) -> None:
        """Take a person's word into account that is not recorded yet."""
        question = self._asked.get(stated.question_id)
        self._standing[stated.question_id] = stated
        if question is not None:
            for outcome in Outcome:
                of_outcome = self._stated[self._root(question), outcome]
                of_outcome[:] = [q for q in of_outcome if q.question_id != stated.question_id]
            self._stated[self._root(question), stated.outcome].append(question)

    def _count(self, question: Question) -> Counting:
        put_aside = self._snapshot.put_aside(question.question_id)

        newest, before = self._inside(question.definition)
        fitting = _in_window(newest, question, lambda event: event)
        events = [event for event in fitting if event.event_id not in put_aside]
        earlier = [
            version
            for version in _in_window(before, question, lambda version: version.fact)
            if version.fact.event_id not in put_aside
        ]
        begun = {(v.fact.event_id, v.until): v.fact.known_at for v in earlier}
        known = {event.event_id: event.known_at for event in events}
        for name, since in known.items():
            while (name, since) in begun:  # a correction of its words is no later news
                since = begun[name, since]
            known[name] = since
        events.sort(key=lambda e: (known[e.event_id], e.occurred_at, e.event_id))
        ended = tuple(v.until for v in earlier if v.fact.event_id not in known)
        aside = tuple(event for event in fitting if event.event_id in put_aside)
        return Counting(tuple(events), known, ended, aside)

    def _inside(self, definition: str) -> tuple[list[Event], list[Superseded[Event]]]:
        """The events that are ones of a definition, and the versions before, as they occurred."""
        if definition not in self._events:
            seen, is_inside = self._snapshot, self._config.is_inside
            newest = [e for e in seen.events if is_inside(e.definition, definition)]
            newest.sort(key=lambda event: event.occurred_at)
            before = [v for v in seen.earlier_events if is_inside(v.fact.definition, definition)]
            before.sort(key=lambda version: version.fact.occurred_at)
            self._events[definition] = (newest, before)
        return self._events[definition]

    def _still_holds(self, question: Question, recorded: Resolution, found: Resolution) -> bool:
        """Whether what was recorded has its date and its reason still, whatever else is known."""
        counting = {event.event_id for event in self.counting(question).events}
        return recorded.outcome is found.outcome and counting.issuperset(recorded.events)

    def _derived(self, question: Question) -> Resolution | None:
        """What follows from events, from nested questions, and from the clock."""
        over = question.deadline + self.grace_of(question)
        reopened = max((r.known_at for r in self._reopenings(question)), default=None)
        no = self._no(question, over) if reopened is None or reopened <= over else None
        yes = self._yes(question)
        if yes is not None and no is not None and yes.known_at > over:
            yes = self._late(question, yes)
        found = yes or _first(self._from_around(question), no)
        if found is None or reopened is None:
            return found
        return replace(found, known_at=max(found.known_at, reopened))

    def _yes(self, question: Question) -> Resolution | None:
        return _first(self._from_events(question), self._from_inside(question))

    def _from_events(self, question: Question) -> Resolution | None:
        """Yes by events, from when the last of them that was needed was known."""
        found = self.counting(question)
        if len(found.events) < question.at_least:
            return None
        events = found.events[: question.at_least]
        last = events[-1]
        reason = f"{last.definition} on {last.occurred_at:%Y-%m-%d} ({last.event_id})"
        if len(events) > 1:
            reason += f", the last of {len(events)} that were asked for"
        names = tuple(event.event_id for event in events)
        return _by_rule(question, Outcome.YES, found.known[last.event_id], reason, names)

    def _late(self, question: Question, yes: Resolution) -> Resolution | None:
        """What becomes of a yes that was known only after the grace."""
        root = self._config.definitions[self._root(question)]
        if root.late_events == "stand":
            return None
        waited = _waited(self.grace_of(question))
        return replace(yes, reason=f"{yes.reason}, known only after {waited}: it corrects the no")

    def _no(self, question: Question, over: datetime) -> Resolution | None:
        """No by the clock: from when the grace was over, or too few events were left."""
        if self._snapshot.as_of <= over:
            return None
        found = self.counting(question)
        in_time = sum(known <= over for known in found.known.values())
        waited = _waited(self.grace_of(question))
        reason = f"no event was known after {waited}"
        if question.at_least > 1:
            reason = f"{in_time} of {question.at_least} events were known after {waited}"
        ended = found.ended if in_time + len(found.ended) >= question.at_least else ()
        return _by_rule(question, Outcome.NO, max([over, *ended]), reason)

    def _from_inside(self, question: Question) -> Resolution | None:
        """Yes, where a question that lies inside this one was stated to have ended yes."""
        stated = self._stated[self._root(question), Outcome.YES]
        nested = [other for other in stated if self._implies(other, question)]
        return self._follows(question, Outcome.YES, nested, "inside")

    def _from_around(self, question: Question) -> Resolution | None:
        """No, where a question that this one lies inside was stated to have ended no."""
        stated = self._stated[self._root(question), Outcome.NO]
        nested = [other for other in stated if self._implies(question, other)]
        return self._follows(question, Outcome.NO, nested, "around")

    def _follows(
        self, question: Question, outcome: Outcome, nested: list[Question], where: str
    ) -> Resolution | None:
        ends = [self._standing[other.question_id] for other in nested]
        first = min(ends, key=lambda end: (end.known_at, end.question_id), default=None)
        if first is None:
            return None
        reason = f"'{first.question_id}', which lies {where} it, resolved {outcome.value}"
        return _by_rule(question, outcome, first.known_at, reason)

    def _implies(self, narrow: Question, wide: Question) -> bool:
        return implies(narrow, wide, self._config.is_inside)

    def _reopenings(self, question: Question) -> Iterator[Resolution]:
        """The acts by which a person took back what stood."""
        for row in self._rows[question.question_id]:
            if row.retracted and not row.is_derived:
                yield row

    def _root(self, question: Question) -> str:
        is_known = question.definition in self._config.definitions
        return self._config.root_of(question.definition) if is_known else question.definition


def _in_window[Fact](
    facts: list[Fact], question: Question, event_of: Callable[[Fact], Event]
) -> list[Fact]:
    """Those in a question's window, of facts in the order in which they occurred."""

    def occurred_at(fact: Fact) -> datetime:
        return event_of(fact).occurred_at

    first = bisect_left(facts, question.opens_at, key=occurred_at)
    return facts[first : bisect_right(facts, question.deadline, key=occurred_at)]


def implies(narrow: Question, wide: Question, is_inside: Callable[[str, str], bool]) -> bool:
    """Whether a yes of one question is a yes of the other, and so a no of the other one of it.

    It lies inside the other: in what it asks for, in its window, or in how many events. Two that
    ask for the same word by word may have criteria of their own, and say nothing of each other.
    """
    return (
        _asks(narrow) != _asks(wide)
        and narrow.unit == wide.unit
        and wide.opens_at <= narrow.opens_at
        and narrow.deadline <= wide.deadline
        and narrow.at_least >= wide.at_least
        and is_inside(narrow.definition, wide.definition)
    )


def _asks(question: Question) -> tuple[object, ...]:
    return (question.definition, question.opens_at, question.deadline, question.at_least)


def whose_word(end: Resolution) -> str:
    """By whom a question was resolved, in words."""
    if end.is_derived:
        return f"by rule: {end.reason}"
    return f"by {end.author}" if end.author else f"({end.reason})"


def _against(other: Question, end: Resolution, where: str, question: Question) -> str:
    return (
        f"'{other.question_id}', which lies {where} '{question.question_id}', was resolved "
        f"{end.outcome.value} on {end.known_at:%Y-%m-%d} {whose_word(end)}; reopen or void it first"
    )


def _event_against(event: Event, question: Question) -> str:
    return (
        f"{event.definition} on {event.occurred_at:%Y-%m-%d} ({event.event_id}) is a "
        f"{question.definition} in the window of '{question.question_id}'; retract the event, "
        "or void the question"
    )


def _first(*ends: Resolution | None) -> Resolution | None:
    """Of several that say the same, the one that was known first."""
    return min(filter(None, ends), key=lambda end: end.known_at, default=None)


def _waited(grace: timedelta) -> str:
    return f"the deadline and {grace / DAY:g} days of grace" if grace else "the deadline"


def _by_rule(
    question: Question,
    outcome: Outcome,
    known_at: datetime,
    reason: str,
    events: tuple[str, ...] = (),
) -> Resolution:
    return Resolution(question.question_id, outcome, known_at, reason, events, RULE)
