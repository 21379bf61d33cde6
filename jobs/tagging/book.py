"""Packs compiled: every phrase in one automaton, every list of phrases a group with a number.

A phrase of the text is the longest that begins leftmost, and brings what it holds: in
"Venezuelan territory" stands "Venezuelan" as well. So a phrase that is added to one rule hides
nothing from another.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from forecast.errors import ConfigError
from forecast.tagging_table import CueTable, Pack, TagRule
from jobs.tagging import patterns
from jobs.tagging.words import line, words


class Mark(NamedTuple):
    """What a phrase that was found says: that of a group something stands at [start, end) of it.

    `is_capital` means that it only does where the text has capitals there.
    """

    group: int
    start: int
    end: int
    is_capital: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its lists as groups; `strengths` are (group, value)."""

    table: TagRule
    pack: str
    trigger: int
    patterns: tuple[Any, ...]
    requires: tuple[int, ...]
    excludes: tuple[int, ...]
    strengths: tuple[tuple[int, float], ...]
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue with its phrases as a group."""

    table: CueTable
    group: int


@dataclass(frozen=True, slots=True)
class Book:
    """All packs of a watch, ready to read with.

    `groups` and `marks` are by phrase, in the order of the automaton; `units` are for each unit
    the combinations of groups by which it is known; `started` are the rules by trigger, and
    `always` those that no phrase starts.
    """

    automaton: Any
    groups: tuple[frozenset[int], ...]
    marks: tuple[tuple[Mark, ...], ...]
    rules: tuple[Rule, ...]
    cues: tuple[Cue, ...]
    units: dict[str, tuple[tuple[int, ...], ...]]
    origins: tuple[tuple[str, tuple[str, ...]], ...]
    started: dict[int, Rule] = field(default_factory=dict)
    always: tuple[Rule, ...] = ()


def compile_packs(packs: Iterable[tuple[str, Pack]]) -> Book:
    """The packs, by file name, as one; ConfigError names the file and the rule that is wrong."""
    from ahocorasick_rs import AhoCorasick, MatchKind

    desk = _Desk()
    for name, pack in packs:
        desk.take(name, pack)
    texts = list(desk.phrases) or ["\0"]
    marks = _with_contained(texts, desk.phrases)
    rules = tuple(desk.rules)
    return Book(
        AhoCorasick(texts, matchkind=MatchKind.LeftmostLongest),
        tuple(frozenset(mark.group for mark in found) for found in marks),
        marks,
        rules,
        tuple(desk.cues),
        {unit: tuple(combinations) for unit, combinations in desk.units.items()},
        tuple(desk.origins.items()),
        {rule.trigger: rule for rule in rules if rule.table.phrases},
        tuple(rule for rule in rules if rule.patterns),
    )


@dataclass(slots=True)
class _Desk:
    """What was compiled so far; `phrases` are the groups of each, and whether in capitals only."""

    phrases: dict[str, set[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(set))
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    units: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0

    def take(self, name: str, pack: Pack) -> None:
        """Compile one pack."""
        for number, cue in enumerate(pack.cues):
            at = f"{name}: cues.{number}.phrases"
            self.cues.append(Cue(cue, self.group(pack, cue.phrases, at)))
        for number, names in enumerate(pack.units):
            at = f"{name}: units.{number}.all_of"
            self.units[names.unit].append(tuple(self.group(pack, n, at) for n in names.all_of))
        for newsroom, phrases in pack.origins.items():
            found = _listed(pack, phrases, f"{name}: origins.{newsroom}")
            self.origins[newsroom] = (*self.origins.get(newsroom, ()), *found)
        own = tuple(dict.fromkeys(names.unit for names in pack.units))
        for rule in pack.rules:
            if any(rule.id == other.table.id for other in self.rules):
                raise ConfigError("another pack has a rule of this id", at=_at(name, rule))
            self.rules.append(self.rule(name, pack, rule, own))

    def rule(self, name: str, pack: Pack, table: TagRule, own: tuple[str, ...]) -> Rule:
        """Compile one rule."""
        at = _at(name, table)
        self.count += 1
        trigger = self.count  # of its own: what its patterns fit is put there as well
        self._add(trigger, _listed(pack, table.phrases, f"{at}.phrases"), f"{at}.phrases")
        return Rule(
            table,
            name,
            trigger,
            tuple(_pattern(p, f"{at}.patterns.{n}") for n, p in enumerate(table.patterns)),
            tuple(self.group(pack, group, f"{at}.requires") for group in table.requires),
            (self.group(pack, table.excludes, f"{at}.excludes"),) if table.excludes else (),
            tuple(
                (self.group(pack, strength.phrases, f"{at}.strengths"), strength.value)
                for strength in table.strengths
            ),
            tuple(table.units) or own,
        )

    def group(self, pack: Pack, phrases: str | list[str], at: str) -> int:
        """The number of a list of phrases; equal lists have one."""
        found = _listed(pack, phrases, at)
        key = tuple(sorted(set(found)))
        if key not in self.numbers:
            self.count += 1
            self.numbers[key] = self.count
            self._add(self.count, found, at)
        return self.numbers[key]

    def _add(self, group: int, phrases: Sequence[str], at: str) -> None:
        for phrase in phrases:
            found = words(phrase.removesuffix("*"))
            if not found:
                raise ConfigError(f"the phrase '{phrase}' holds no word", at=at)
            text = line(found)
            text = text[:-1] if phrase.endswith("*") else text
            self.phrases[text].add((group, phrase.isupper()))


def _listed(pack: Pack, phrases: str | list[str], at: str) -> list[str]:
    try:
        return pack.listed(phrases)
    except ValueError as error:
        raise ConfigError(str(error), at=at) from None


def _pattern(text: str, at: str) -> Any:
    try:
        return patterns.compiled(text)
    except ValueError as error:
        raise ConfigError(f"the pattern {error}", at=at) from None


def _at(name: str, rule: TagRule) -> str:
    return f"{name}: rules.{rule.id}"


def _with_contained(
    texts: list[str], phrases: dict[str, set[tuple[int, bool]]]
) -> tuple[tuple[Mark, ...], ...]:
    """What each phrase says itself, and what the phrases say that stand in it."""
    from ahocorasick_rs import AhoCorasick

    every = AhoCorasick(texts)
    return tuple(
        tuple(
            Mark(group, start, end, is_capital)
            for index, start, end in every.find_matches_as_indexes(text, overlapping=True)
            for group, is_capital in sorted(phrases[texts[index]])
        )
        for text in texts
    )
