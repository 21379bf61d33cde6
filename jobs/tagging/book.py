"""Packs compiled: every phrase in one automaton, every list of phrases a group with a number.

Every phrase that stands in a text is found, also one inside another or across its end: a phrase
that is added to one rule hides nothing from the others. Of one list, what counts at a place is
the longest phrase that begins leftmost.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from forecast.errors import ConfigError
from forecast.tagging_table import CueTable, Pack, TagRule
from jobs.tagging import patterns
from jobs.tagging.dates import DATE_WORDS
from jobs.tagging.words import line, words


class Mark(NamedTuple):
    """The group of a phrase; `is_capital` means that it fits capitals only."""

    group: int
    is_capital: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its lists as groups; `strengths` are (group, value).

    `about` are the combinations of groups by which its units are known: one must be in the text.
    It is empty where the rule assumes its unit. `groups` are all that bear on the rule.
    """

    table: TagRule
    pack: str
    trigger: int
    patterns: tuple[Any, ...]
    requires: tuple[int, ...]
    excludes: tuple[int, ...]
    strengths: tuple[tuple[int, float], ...]
    units: tuple[str, ...]
    about: tuple[frozenset[int], ...] = ()
    groups: frozenset[int] = frozenset()

    def can_be_in(self, seen: set[int]) -> bool:
        """Whether all that it needs is among the groups of a text."""
        return seen.issuperset(self.requires) and (
            self.table.assume or any(seen.issuperset(groups) for groups in self.about)
        )


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue with its phrases as a group."""

    table: CueTable
    group: int


@dataclass(frozen=True, slots=True)
class Book:
    """All packs of a watch, ready to read with.

    `groups` and `marks` are by phrase, in the order of the automaton; `units` are for each unit
    the combinations of groups by which it is known; `newsrooms` and `dates` are the groups of what
    newsrooms are called by and of words that dates hold. `started` are the triggers that
    phrases set off, and `always` the rules by trigger that have patterns as well.
    """

    automaton: Any
    groups: tuple[frozenset[int], ...]
    marks: tuple[tuple[Mark, ...], ...]
    rules: tuple[Rule, ...]
    cues: tuple[Cue, ...]
    units: dict[str, tuple[tuple[int, ...], ...]]
    origins: tuple[tuple[str, tuple[str, ...]], ...]
    newsrooms: int
    dates: int
    by_trigger: dict[int, Rule]
    started: frozenset[int]
    always: dict[int, Rule]

    def phrases(self, text: str) -> list[tuple[int, int, int]]:
        """Every phrase in a line of words: its number, and its characters [start, end)."""
        found: list[tuple[int, int, int]]
        found = self.automaton.find_matches_as_indexes(text, overlapping=True)
        return found

    def possible(self, seen: set[int]) -> list[Rule]:
        """The rules that may hit in a text of these groups, in the order of the packs."""
        possible = {group: self.by_trigger[group] for group in self.started & seen}
        possible |= self.always
        return [possible[group] for group in sorted(possible) if possible[group].can_be_in(seen)]


def compile_packs(packs: Iterable[tuple[str, Pack]]) -> Book:
    """The packs, by file name, as one; ConfigError names the file and the rule that is wrong."""
    from ahocorasick_rs import AhoCorasick

    desk = _Desk()
    for name, pack in packs:
        desk.take(name, pack)
    newsrooms = desk.number([n for names in desk.origins.values() for n in names], "origins")
    dates = desk.number(DATE_WORDS, "dates")
    texts = list(desk.phrases)
    marks = tuple(tuple(Mark(*mark) for mark in sorted(desk.phrases[t])) for t in texts)
    rules = tuple(desk.placed(rule) for rule in desk.rules)
    return Book(
        AhoCorasick(texts),
        tuple(frozenset(mark.group for mark in found) for found in marks),
        marks,
        rules,
        tuple(desk.cues),
        {unit: tuple(combinations) for unit, combinations in desk.units.items()},
        tuple(desk.origins.items()),
        newsrooms,
        dates,
        {rule.trigger: rule for rule in rules},
        frozenset(rule.trigger for rule in rules if rule.table.phrases),
        {rule.trigger: rule for rule in rules if rule.patterns},
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
        return self.number(_listed(pack, phrases, at), at)

    def number(self, phrases: Sequence[str], at: str) -> int:
        """The number of a list of phrases that names no other."""
        key = tuple(sorted(set(phrases)))
        if key not in self.numbers:
            self.count += 1
            self.numbers[key] = self.count
            self._add(self.count, phrases, at)
        return self.numbers[key]

    def placed(self, rule: Rule) -> Rule:
        """A rule with what its units are known by: all packs have been read."""
        about = [frozenset(groups) for unit in rule.units for groups in self.units.get(unit, ())]
        own = {rule.trigger, *rule.requires, *rule.excludes, *(g for g, _ in rule.strengths)}
        return replace(rule, about=tuple(about), groups=frozenset(own.union(*about)))

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
