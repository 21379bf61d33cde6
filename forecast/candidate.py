"""What the tagger proposes: a statement that a rule found in a text, until somebody judges it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from forecast.evidence import Report

MEMORY = "memory"  # the author of what was rejected because it was rejected before
RULE_BOOK = "rules"  # the author of what was written unasked, where the watch says so


class Status(StrEnum):
    """Where a candidate stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of an article's body that matched, and as what.

    `role` is "hit" for the rule's own words, "needs" for what must stand beside them, "unit" for
    names, "cue" for what turns their meaning, "date" for when it happened.
    """

    start: int
    end: int
    text: str
    role: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One statement found in one article by one rule of a pack.

    `value` is its strength within its tag, 0 to 1, and `score` how sure the rule is, 0 to 1.
    `spans` count in the article's body (`body_of`), as does `sentence_start`. `origin` is the
    newsroom it draws on, where that is stated or it copies another's words; `copy_of` is the
    candidate whose words it repeats. `sketch` is what its words are compared by.
    """

    candidate_id: str
    article_id: str
    rule_id: str
    unit: str
    tag: str
    value: float
    score: float
    occurred_at: datetime
    known_at: datetime
    sentence: str
    sentence_start: int
    spans: tuple[Span, ...]
    reasons: tuple[str, ...]
    source: str = ""
    origin: str = ""
    url: str = ""
    title: str = ""
    reliability: str = "F"
    credibility: int = 6
    statement: str = ""
    sketch: tuple[int, ...] = ()
    copy_of: str = ""
    status: Status = Status.WAITING

    @property
    def report_id(self) -> str:
        """The id of the report it becomes: the same article and rule, the same report."""
        return f"t-{self.candidate_id}"

    def report(self) -> Report:
        """The report it becomes when it is confirmed."""
        return Report(
            report_id=self.report_id,
            unit=self.unit,
            tag=self.tag,
            occurred_at=self.occurred_at,
            known_at=self.known_at,
            value=self.value,
            source=self.source,
            origin=self.origin,
            reliability=self.reliability,
            credibility=self.credibility,
            url=self.url,
            summary=self.sentence,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody said of a candidate, and as what it stands since."""

    candidate_id: str
    status: Status
    author: str
    reason: str
    at: datetime
    unit: str
    tag: str
    value: float
    occurred_at: datetime

    def __post_init__(self) -> None:
        if not self.author.strip():
            raise ValueError("author is empty")


def pieces(text: str, start: int, spans: Iterable[Span]) -> list[tuple[str, str]]:
    """A text that begins at `start` of its body in pieces, each with its role, "" for the rest.

    >>> pieces("a ballot is held", 10, [Span(12, 18, "ballot", "hit")])
    [('a ', ''), ('ballot', 'hit'), (' is held', '')]
    """
    found, at = [], 0
    for span in _apart(spans, start, start + len(text)):
        first, last = span.start - start, span.end - start
        found += [(text[at:first], ""), (text[first:last], span.role)]
        at = last
    return [piece for piece in (*found, (text[at:], "")) if piece[0]]


_RANKS = {role: rank for rank, role in enumerate(("hit", "cue", "date", "needs", "unit"))}


def _apart(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    """Those of the spans in [start, end) that do not overlap, hits and cues going first."""
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (_RANKS[span.role], span.start)):
        is_inside = start <= span.start and span.end <= end
        if is_inside and all(span.end <= o.start or o.end <= span.start for o in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
