"""What a rule makes of a sentence: its hit, what it needs beside it, its unit, and cues."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from forecast.tagging_table import Turned
from jobs.tagging.book import Book, Cue, Rule
from jobs.tagging.reading import Hit, Read
from jobs.tagging.words import LONGEST

ELSEWHERE, ASSUMED, TURNED = 0.9, 0.8, 0.9  # what the score is multiplied by
LOWERED = 0.5  # what the value is multiplied by


class Found(NamedTuple):
    """A rule's hit in a sentence, with what it needs beside it."""

    hit: Hit
    beside: tuple[Hit, ...]


class About(NamedTuple):
    """The unit of a hit, the names in the sentence, what the score is multiplied by, and why."""

    unit: str
    names: tuple[Hit, ...]
    factor: float
    words: str


class Turn(NamedTuple):
    """What a hit is, cues minded: under `cue`, where there is one that tells."""

    tag: str
    value: float
    kind: str = ""
    cue: Hit | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A candidate before its date, its spans and its words are worked out."""

    rule: Rule
    read: Read
    found: Found
    about: About
    turn: Turn

    @property
    def score(self) -> float:
        """How sure it is: less so where the unit is not named beside it, or under a cue."""
        turned = TURNED if self.turn.cue else 1.0
        return round(self.rule.table.score * self.about.factor * turned, 4)


def drafts(book: Book, read: Read, rules: list[Rule], everywhere: frozenset[int]) -> list[Draft]:
    """What one sentence states: of each tag and unit, the surest."""
    best: dict[tuple[str, str], Draft] = {}
    for draft in _drafts(book, read, rules, everywhere):
        key = (draft.turn.tag, draft.about.unit)
        rank = (draft.score, draft.turn.value)
        if key not in best or rank > (best[key].score, best[key].turn.value):
            best[key] = draft
    return list(best.values())


def _drafts(
    book: Book, read: Read, rules: list[Rule], everywhere: frozenset[int]
) -> Iterator[Draft]:
    for rule in rules:
        if rule.trigger not in read.places:
            continue
        found = _match(rule, read)
        about = _about(book, rule, read, everywhere) if found else None
        turn = _turn(rule, found, read, book.cues) if found and about else None
        if found and about and turn:
            yield Draft(rule, read, found, about, turn)


def _match(rule: Rule, read: Read) -> Found | None:
    """The first hit of a rule that has beside it all that it needs, and nothing it excludes."""
    places, farthest = read.places, rule.table.within or LONGEST
    if any(group in places for group in rule.excludes):
        return None
    if not all(group in places for group in rule.requires):
        return None
    needed = [read.hits(group) for group in rule.requires]
    for hit in read.hits(rule.trigger):
        beside = [min(hits, key=lambda one: _apart(one, hit)) for hits in needed]
        if all(_apart(one, hit) <= farthest for one in beside):
            return Found(hit, tuple(beside))
    return None


def _apart(one: Hit, other: Hit) -> int:
    """How many words one is after the other; 0 where they overlap."""
    return max(one.first - other.last, other.first - one.last, 0)


def _about(book: Book, rule: Rule, read: Read, everywhere: frozenset[int]) -> About | None:
    """What a rule's hit is about: a unit named beside it, or in the article, or assumed."""
    named = [(unit, groups) for unit in rule.units for groups in book.units.get(unit, ())]
    for unit, groups in named:
        if all(group in read.places for group in groups):
            return About(unit, _names(read, groups), 1.0, "named in the sentence")
    for unit, groups in named:
        if everywhere.issuperset(groups):
            return About(unit, _names(read, groups), ELSEWHERE, "named in the article")
    if rule.table.assume:
        return About(rule.units[0], (), ASSUMED, "assumed by the rule")
    return None


def _names(read: Read, groups: tuple[int, ...]) -> tuple[Hit, ...]:
    return tuple(read.hits(group)[0] for group in groups if group in read.places)


def _turn(rule: Rule, found: Found, read: Read, cues: tuple[Cue, ...]) -> Turn | None:
    """What the hit is, cues minded; None where it is nothing. Negation goes before the rest."""
    table = rule.table
    values = [value for group, value in rule.strengths if group in read.places]
    value = max(values, default=table.value)
    for kind, effect in (("negation", table.negated), ("hypothetical", table.hypothetical)):
        cue = None if effect == "keep" else _cue(kind, found, read, cues)
        if cue is None:
            continue
        if effect == "drop":
            return None
        if isinstance(effect, Turned):
            turned = value if effect.value is None else effect.value
            return Turn(effect.tag or table.tag, turned, kind, cue)
        return Turn(table.tag, value * LOWERED, kind, cue)
    return Turn(table.tag, value)


def _cue(kind: str, found: Found, read: Read, cues: tuple[Cue, ...]) -> Hit | None:
    """The cue of a kind that bears on a hit; words that the rule itself asks for are none."""
    own = (found.hit, *found.beside)
    for cue in cues:
        if cue.table.kind != kind:
            continue
        for one in read.hits(cue.group):
            is_own = any(one.first <= o.last and o.first <= one.last for o in own)
            if not is_own and _bears(cue, one, found.hit):
                return one
    return None


def _bears(cue: Cue, one: Hit, hit: Hit) -> bool:
    if cue.table.scope == "sentence":
        return True
    apart = hit.first - one.last if cue.table.scope == "after" else one.first - hit.last
    return 0 < apart <= cue.table.words
