"""Reading a text by the rules of packs: what it states, as what, where, and why we think so.

    body -> which rules can hit at all (one pass of the automaton)
         -> sentences -> groups of phrases in each -> rules -> unit, cues, date -> candidates

Pure: the same article gives the same candidates. What a rule needs stands in one sentence; only
the names of a unit may stand elsewhere in the article.
"""

from collections import defaultdict
from collections.abc import Iterator

from forecast.article import Article
from forecast.candidate import Candidate, Span
from forecast.store.facts import digest
from jobs.tagging.book import Book
from jobs.tagging.dates import Dated, dates, start_of
from jobs.tagging.drafts import Draft, drafts
from jobs.tagging.likeness import is_same, sketch, statement_of
from jobs.tagging.origins import LEAD, Origins
from jobs.tagging.reading import Read, read
from jobs.tagging.words import line, sentences, words

MOST_CHARACTERS = 1_000_000  # of a body; what goes on beyond is not read


def body_of(article: Article) -> str:
    """What is read of an article, and in which spans count: its title, if it has one, and text."""
    text, title = article.text, article.title.strip()
    if title and not text.startswith(title):
        text = f"{title}\n\n{text}"
    return text[:MOST_CHARACTERS]


class Tagger:
    """The packs of a watch, ready to read articles with; `min_score` leaves out what is weaker."""

    def __init__(self, book: Book, min_score: float = 0.0) -> None:
        self._book = book
        self._min_score = min_score
        self._origins = Origins(book.origins)
        self._always = frozenset({book.newsrooms, book.dates, *(cue.group for cue in book.cues)})

    def tag(self, article: Article) -> list[Candidate]:
        """What an article states, in its order."""
        book, body = self._book, body_of(article)
        seen: set[int] = set()
        for index, _, _ in book.phrases(line(words(body))):
            seen |= book.groups[index]
        rules = book.possible(seen)
        if not rules:
            return []
        wanted = self._always.union(*(rule.groups for rule in rules))
        told = [here for s in sentences(body) if (here := read(book, s, rules, wanted)).places]
        everywhere = frozenset(group for here in told for group in here.places)
        lead = self._origins.of(body[:LEAD]) if book.newsrooms in seen else ""
        found = [
            self._candidate(article, lead, draft)
            for here in told
            for draft in drafts(book, here, rules, everywhere)
            if draft.score >= self._min_score
        ]
        most = {rule.table.id: rule.table.most for rule in rules}
        return found if len(found) < 2 else list(_each_once(found, most))

    def _candidate(self, article: Article, lead: str, draft: Draft) -> Candidate:
        sentence, rule, turn = draft.read.sentence, draft.rule, draft.turn
        when = self._date(article, draft)
        occurred_at = start_of(when.day if when else article.known_at.date())
        spans = _spans(draft, when)
        statement = statement_of(sentence.text)
        return Candidate(
            candidate_id=digest((article.article_id, rule.table.id, statement)),
            article_id=article.article_id,
            rule_id=rule.table.id,
            unit=draft.about.unit,
            tag=turn.tag,
            value=turn.value,
            score=draft.score,
            occurred_at=min(occurred_at, article.known_at),
            known_at=article.known_at,
            sentence=sentence.text,
            sentence_start=sentence.start,
            spans=spans,
            reasons=_reasons(draft, spans, when),
            source=article.source,
            origin=article.origin or lead or self._origin(draft.read),
            url=article.url,
            title=article.title,
            reliability=article.reliability,
            credibility=rule.table.credibility,
            statement=statement,
            sketch=sketch(sentence.text),
        )

    def _origin(self, here: Read) -> str:
        """The newsroom that a sentence draws on."""
        named = self._book.newsrooms in here.places
        return self._origins.of(here.sentence.text) if named else ""

    def _date(self, article: Article, draft: Draft) -> Dated | None:
        """The day of the sentence that stands nearest to the hit."""
        here = draft.read
        if self._book.dates not in here.places:
            return None
        told = dates(here.sentence.text, article.known_at)
        if len(told) < 2:
            return told[0] if told else None
        ((start, end),) = here.spans([draft.found.hit])
        return min(told, key=lambda day: max(day.start - end, start - day.end, 0))


def _spans(draft: Draft, when: Dated | None) -> tuple[Span, ...]:
    """What matched, in the order of the text, by its role; no span twice."""
    roles = [("hit", draft.found.hit), *(("needs", hit) for hit in draft.found.beside)]
    roles += [("unit", hit) for hit in draft.about.names]
    if draft.turn.cue is not None:
        roles.append(("cue", draft.turn.cue))
    places = draft.read.spans(hit for _, hit in roles)
    placed = [(*place, role) for place, (role, _) in zip(places, roles, strict=True)]
    if when is not None:
        placed.append((when.start, when.end, "date"))
    begin, text = draft.read.sentence
    return tuple(
        Span(begin + start, begin + end, text[start:end], role)
        for start, end, role in sorted(set(placed))
    )


def _reasons(draft: Draft, spans: tuple[Span, ...], when: Dated | None) -> tuple[str, ...]:
    said: dict[str, list[str]] = defaultdict(list)
    for span in spans:
        said[span.role].append(f"'{span.text}'")
    rule, turn = draft.rule, draft.turn
    beside = f" with {', '.join(said['needs'])}" if said["needs"] else ""
    words = [
        f"rule {rule.table.id} of {rule.pack}: {said['hit'][0]}{beside}",
        f"unit {draft.about.words}",
    ]
    if turn.cue is not None:
        words.append(f"{turn.kind} {said['cue'][0]}: {turn.tag}, value {turn.value:g}")
    if when is not None:
        words.append(f"{said['date'][0]} is {when.day}")
    return tuple(words)


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
    chosen = {(o.candidate_id, o.sentence_start) for some in kept.values() for o in some}
    return (one for one in found if (one.candidate_id, one.sentence_start) in chosen)
