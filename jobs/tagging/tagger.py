"""Reading a text by the rules of packs: what it states, as what, where, and why we think so.

    body -> which rules can hit at all (one pass of the automaton)
         -> sentences -> groups of phrases in each -> rules -> unit, cues, date -> candidates

Pure: the same article gives the same candidates. What a rule needs stands in one sentence; only
the names of a unit may stand elsewhere in the article.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from forecast.article import Article
from forecast.candidate import Candidate, Span
from forecast.store.facts import digest
from forecast.tagging_table import Turned
from jobs.tagging.book import Book, Cue, Rule
from jobs.tagging.dates import Dated, dates, start_of
from jobs.tagging.likeness import is_same, sketch, statement_of
from jobs.tagging.origins import LEAD, Origins
from jobs.tagging.words import LONGEST, Sentence, line, placed_words, sentences, starts, words

MOST_CHARACTERS = 1_000_000  # of a body; what goes on beyond is not read
ELSEWHERE, ASSUMED, TURNED = 0.9, 0.8, 0.9  # what the score is multiplied by
LOWERED = 0.5  # what the value is multiplied by


class Hit(NamedTuple):
    """Words [first, last] of a sentence, and their characters [start, end) there."""

    first: int
    last: int
    start: int
    end: int


class Read(NamedTuple):
    """A sentence, and what stands in it of each group."""

    sentence: Sentence
    hits: dict[int, list[Hit]]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a cue does to a hit; `words` say so."""

    tag: str
    value: float
    words: str = ""
    hit: Hit | None = None


class Found(NamedTuple):
    """A rule's hit in a sentence, with what it needs beside it."""

    rule: Rule
    hit: Hit
    beside: tuple[Hit, ...]


def body_of(article: Article) -> str:
    """What is read of an article, and in which spans count: its title, if it has one, and text."""
    text, title = article.text, article.title.strip()
    if title and not text.lstrip().startswith(title):
        text = f"{title}\n\n{text}"
    return text[:MOST_CHARACTERS]


class Tagger:
    """The packs of a watch, ready to read articles with; `min_score` leaves out what is weaker."""

    def __init__(self, book: Book, min_score: float = 0.0) -> None:
        self._book = book
        self._min_score = min_score
        self._origins = Origins(book.origins)

    def tag(self, article: Article) -> list[Candidate]:
        """What an article states, in its order."""
        body = body_of(article)
        rules = self._possible(words(body))
        if not rules:
            return []
        read = [r for s in sentences(body) if (r := self._read(s, rules)).hits]
        everywhere = frozenset(group for r in read for group in r.hits)
        found = [c for r in read for c in self._candidates(article, body, r, rules, everywhere)]
        return list(_each_once(found, {rule.table.id: rule.table.most for rule in rules}))

    def _possible(self, found: list[str]) -> list[Rule]:
        """The rules that may hit somewhere in these words."""
        book, seen = self._book, set[int]()
        for index, _, _ in book.automaton.find_matches_as_indexes(line(found)):
            seen |= book.groups[index]
        started = [rule for group, rule in book.started.items() if group in seen]
        return [
            rule
            for rule in (*started, *(r for r in book.always if r.trigger not in seen))
            if seen.issuperset(rule.requires)
        ]

    def _read(self, sentence: Sentence, rules: list[Rule]) -> Read:
        """What stands in a sentence, capitals and patterns minded."""
        placed = placed_words(sentence.text)
        texts = [word.text for word in placed]
        at, hits = starts(texts), defaultdict[int, list[Hit]](list)
        shouts = sentence.text.isupper()

        def hit(start: int, end: int) -> Hit:
            first, last = bisect_left(at, start), bisect_right(at, end - 2) - 1
            return Hit(first, last, placed[first].start, placed[last].end)

        for index, start, _ in self._book.automaton.find_matches_as_indexes(line(texts)):
            for mark in self._book.marks[index]:
                one = hit(start + mark.start, start + mark.end)
                if not mark.is_capital or shouts or sentence.text[one.start : one.end].isupper():
                    hits[mark.group].append(one)
        for rule in rules:
            if rule.patterns and all(group in hits for group in rule.requires):
                hits[rule.trigger] += (
                    Hit(first, last, placed[first].start, placed[last].end)
                    for first, last in _fits(rule, texts)
                )
        return Read(sentence, dict(hits))

    def _candidates(
        self,
        article: Article,
        body: str,
        read: Read,
        rules: list[Rule],
        everywhere: frozenset[int],
    ) -> Iterator[Candidate]:
        """What one sentence states: of each tag and unit, the likeliest."""
        best: dict[tuple[str, str], Candidate] = {}
        for rule in rules:
            found = _match(rule, read)
            made = self._made(article, body, read, found, everywhere) if found else None
            if made is None or made.score < self._min_score:
                continue
            key = (made.tag, made.unit)
            if key not in best or (made.score, made.value) > (best[key].score, best[key].value):
                best[key] = made
        yield from best.values()

    def _made(
        self, article: Article, body: str, read: Read, found: Found, everywhere: frozenset[int]
    ) -> Candidate | None:
        """The candidate of a hit; None where it is about no unit, or a cue drops it."""
        rule = found.rule
        turn = _turned(rule, found, read, self._book.cues)
        unit = self._unit(rule, read, everywhere)
        if turn is None or unit is None:
            return None
        name, names, factor, unit_words = unit
        when = _nearest_date(article, read.sentence, found.hit)
        occurred_at = start_of(when.day if when else article.known_at.date())
        sentence = read.sentence
        spans = _spans(sentence, found, names, turn, when)
        statement = statement_of(sentence.text)
        score = rule.table.score * factor * (TURNED if turn.words else 1.0)
        lead = body[:LEAD]
        return Candidate(
            candidate_id=digest((article.article_id, rule.table.id, statement)),
            article_id=article.article_id,
            rule_id=rule.table.id,
            unit=name,
            tag=turn.tag,
            value=turn.value,
            score=round(score, 4),
            occurred_at=min(occurred_at, article.known_at),
            known_at=article.known_at,
            sentence=sentence.text,
            sentence_start=sentence.start,
            spans=spans,
            reasons=_reasons(sentence, found, unit_words, turn, when),
            source=article.source,
            origin=article.origin or self._origins.of(lead) or self._origins.of(sentence.text),
            url=article.url,
            title=article.title,
            reliability=article.reliability,
            credibility=rule.table.credibility,
            statement=statement,
            sketch=sketch(sentence.text),
        )

    def _unit(
        self, rule: Rule, read: Read, everywhere: frozenset[int]
    ) -> tuple[str, list[Hit], float, str] | None:
        """What a rule's hit is about: the unit, its names, a factor for the score, and why."""
        for unit in rule.units:
            for groups in self._book.units.get(unit, ()):
                if all(group in read.hits for group in groups):
                    names = [read.hits[group][0] for group in groups]
                    return unit, names, 1.0, "named in the sentence"
        for unit in rule.units:
            for groups in self._book.units.get(unit, ()):
                if everywhere.issuperset(groups):
                    names = [read.hits[group][0] for group in groups if group in read.hits]
                    return unit, names, ELSEWHERE, "named in the article"
        if rule.table.assume:
            return rule.units[0], [], ASSUMED, "assumed by the rule"
        return None


def _fits(rule: Rule, texts: list[str]) -> Iterator[tuple[int, int]]:
    """First and last word of what a rule's patterns fit: they read words with a space between."""
    text = " ".join(texts)
    for pattern in rule.patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if end > start:
                last = text.count(" ", 0, end - 1)
                yield min(text.count(" ", 0, start + 1), last), last


def _match(rule: Rule, read: Read) -> Found | None:
    """The first hit of a rule that has beside it all that it needs, and nothing it excludes."""
    hits, farthest = read.hits, rule.table.within or LONGEST
    if any(group in hits for group in rule.excludes):
        return None
    for hit in hits.get(rule.trigger, ()):
        beside = [_nearest(hits.get(group, ()), hit) for group in rule.requires]
        near = [one for one in beside if one and _apart(one, hit) <= farthest]
        if len(near) == len(beside):
            return Found(rule, hit, tuple(near))
    return None


def _nearest(hits: list[Hit] | tuple[()], to: Hit) -> Hit | None:
    return min(hits, key=lambda one: _apart(one, to), default=None)


def _apart(one: Hit, other: Hit) -> int:
    """How many words one is after the other; 0 where they overlap."""
    return max(one.first - other.last, other.first - one.last, 0)


def _turned(rule: Rule, found: Found, read: Read, cues: tuple[Cue, ...]) -> Turn | None:
    """What the hit is, cues minded; None where it is nothing. Negation goes before the rest."""
    table = rule.table
    values = [value for group, value in rule.strengths if group in read.hits]
    value = max(values, default=table.value)
    for kind, effect in (("negation", table.negated), ("hypothetical", table.hypothetical)):
        cue = _cue(kind, found, read, cues)
        if cue is None or effect == "keep":
            continue
        if effect == "drop":
            return None
        said = f"{kind} '{_text(read.sentence, cue)}'"
        if isinstance(effect, Turned):
            tag, turned = effect.tag or table.tag, value if effect.value is None else effect.value
            return Turn(tag, turned, f"{said}: {tag}, value {turned:g}", cue)
        lowered = value * LOWERED
        return Turn(table.tag, lowered, f"{said}: value {value:g} lowered to {lowered:g}", cue)
    return Turn(table.tag, value)


def _cue(kind: str, found: Found, read: Read, cues: tuple[Cue, ...]) -> Hit | None:
    """The cue of a kind that bears on a hit; words that the rule itself asks for are none."""
    own = (found.hit, *found.beside)
    for cue in cues:
        if cue.table.kind != kind:
            continue
        for one in read.hits.get(cue.group, ()):
            is_own = any(one.first <= o.last and o.first <= one.last for o in own)
            if not is_own and _bears(cue, one, found.hit):
                return one
    return None


def _bears(cue: Cue, one: Hit, hit: Hit) -> bool:
    if cue.table.scope == "sentence":
        return True
    apart = hit.first - one.last if cue.table.scope == "after" else one.first - hit.last
    return 0 < apart <= cue.table.words


def _nearest_date(article: Article, sentence: Sentence, hit: Hit) -> Dated | None:
    told = dates(sentence.text, article.known_at)
    return min(told, key=lambda d: max(d.start - hit.end, hit.start - d.end, 0), default=None)


def _spans(
    sentence: Sentence, found: Found, names: list[Hit], turn: Turn, when: Dated | None
) -> tuple[Span, ...]:
    """What matched, in the order of the text, by its role; no span twice."""
    roles = [("hit", found.hit), *(("needs", hit) for hit in found.beside)]
    roles += [("unit", hit) for hit in names]
    if turn.hit is not None:
        roles.append(("cue", turn.hit))
    placed = [(hit.start, hit.end, role) for role, hit in roles]
    if when is not None:
        placed.append((when.start, when.end, "date"))
    spans = (
        Span(sentence.start + start, sentence.start + end, sentence.text[start:end], role)
        for start, end, role in sorted(dict.fromkeys(placed))
    )
    return tuple(spans)


def _reasons(
    sentence: Sentence, found: Found, unit_words: str, turn: Turn, when: Dated | None
) -> tuple[str, ...]:
    beside = ", ".join(f"'{_text(sentence, hit)}'" for hit in found.beside)
    said = [
        f"rule {found.rule.table.id} of {found.rule.pack}: '{_text(sentence, found.hit)}'"
        + (f" with {beside}" if beside else ""),
        f"unit {unit_words}",
        turn.words,
        f"'{sentence.text[when.start : when.end]}' is {when.day}" if when else "",
    ]
    return tuple(filter(None, said))


def _text(sentence: Sentence, hit: Hit) -> str:
    return sentence.text[hit.start : hit.end]


def _each_once(found: list[Candidate], most: dict[str, int]) -> Iterator[Candidate]:
    """Of each thing that an article tells of, on each day, the strongest statements, in order.

    Newsrooms say a thing in the headline, the lead and once more below: it is one report.
    """
    kept: dict[tuple[object, ...], list[Candidate]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (-one.score, -one.value, one.sentence_start)):
        before = kept[one.tag, one.unit, one.occurred_at]
        is_again = any(is_same(one.sketch, other.sketch) for other in before)
        if not is_again and len(before) < most[one.rule_id]:
            before.append(one)
    chosen = {one.candidate_id for some in kept.values() for one in some}
    return (one for one in found if one.candidate_id in chosen)
