"""A sentence read: which groups of phrases stand in it, and where."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from jobs.tagging.book import Book, Rule
from jobs.tagging.words import Sentence, cased_words, line, places, starts, words

type Place = tuple[int, int]  # characters [start, end) of a sentence's line


class Hit(NamedTuple):
    """Words [first, last] of a sentence."""

    first: int
    last: int


@dataclass(slots=True)
class Read:
    """A sentence and the places of each group in its line; words are counted when asked for."""

    sentence: Sentence
    places: dict[int, list[Place]]
    at: list[int]

    def hits(self, group: int) -> list[Hit]:
        """The words of a group, in the order of the text; of those that overlap the longest."""
        found: list[Hit] = []
        for place in sorted(self.places.get(group, ()), key=lambda place: (place[0], -place[1])):
            hit = self.hit(place)
            if not found or hit.first > found[-1].last:
                found.append(hit)
        return found

    def hit(self, place: Place) -> Hit:
        """The words at a place of the line."""
        return Hit(bisect_left(self.at, place[0]), bisect_right(self.at, place[1] - 2) - 1)

    def spans(self, hits: Iterable[Hit]) -> list[tuple[int, int]]:
        """Where words stand: characters [start, end) of the sentence."""
        placed = places(self.sentence.text)
        return [(placed[hit.first][0], placed[hit.last][1]) for hit in hits]


def read(book: Book, sentence: Sentence, rules: Collection[Rule], wanted: frozenset[int]) -> Read:
    """What of some groups stands in a sentence, capitals minded, and what the patterns fit."""
    found = words(sentence.text)
    here = Read(sentence, defaultdict(list), starts(found))
    capitals: list[bool] | None = None
    for index, start, end in book.phrases(line(found)):
        if wanted.isdisjoint(book.groups[index]):
            continue
        for mark in book.marks[index]:
            if mark.is_capital:
                capitals = _capitals(sentence.text) if capitals is None else capitals
                hit = here.hit((start, end))
                if not all(capitals[hit.first : hit.last + 1]):
                    continue
            here.places[mark.group].append((start, end))
    for rule in rules:
        if rule.patterns and all(group in here.places for group in rule.requires):
            here.places[rule.trigger] += _fits(rule, found, here.at)
    return here


def _capitals(text: str) -> list[bool]:
    """Of each word whether it is in capitals; of a text that is all in capitals each is."""
    if text.isupper():
        return [True] * len(words(text))
    return [not word.islower() and word.upper() == word for word in cased_words(text)]


def _fits(rule: Rule, found: list[str], at: list[int]) -> Iterator[Place]:
    """The places of what a rule's patterns fit: they read words with one space between."""
    text = " ".join(found)
    for pattern in rule.patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if end > start:
                first, last = text.count(" ", 0, start + 1), text.count(" ", 0, end - 1)
                yield at[min(first, last)], at[last] + len(found[last]) + 2
