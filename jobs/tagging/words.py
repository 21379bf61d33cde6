"""Texts as the tagger reads them: sentences, their words, and where each stands.

A sentence becomes a line in which every word has a space on each side, so that " us  war "
is found in " us  war " and not in " us  warship ". Words are NFKC and casefolded; what cannot
be seen (zero-width and direction marks, soft hyphens) is left out of them. In scripts that put
no space between words each character is one.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

LONGEST = 1_000  # characters of a sentence; what goes on is cut here, and read as several

_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_MARKS = "\u0300-\u036f"
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]+|[{_MARKS}{_UNSEEN}]+)+")
_PLAIN_WORD = re.compile(r"\w+", re.ASCII)
_HIDDEN = re.compile(rf"[{_UNSEEN}\s]+")
# What newsrooms write beside ASCII; of one character each, so that places stay.
_QUOTES = dict.fromkeys(
    map(ord, "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022\u00a0\u00ab\u00bb"), " "
)
_SPACED = {c: chr(c) if chr(c).isalnum() or chr(c) == "_" else " " for c in range(128)}
_LOWERED = {c: kept.lower() for c, kept in _SPACED.items()}
# A full stop after these ends no sentence.
_SHORT = (
    r"(?<!\b[A-Za-z])(?<!\b(?:Mr|Dr|St|Lt|Jr|Sr|No|vs|Co))"
    r"(?<!\b(?:Mrs|Gen|Col|Sen|Rep|Gov|Adm|Maj|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Inc))"
    r"(?<!\b(?:Capt|Sept|Prof|Corp))"
)
# So does an empty line, and a line that begins a list; any other may be where a line was wrapped.
_END = re.compile(
    rf"(?:{_SHORT}\.|[!?\u2026])['\"\u2019\u201d)\]]*\s+(?=\S)|[\u3002\uff01\uff1f]"
    r"|\n\s*\n\s*|\n(?=[ \t]*[-*\u2022])"
)


class Sentence(NamedTuple):
    """A stretch of a body, and where it starts there."""

    start: int
    text: str


@lru_cache(maxsize=1 << 14)
def _seen(word: str) -> str:
    plain = unicodedata.normalize("NFKC", _HIDDEN.sub("", word)).casefold()
    return _HIDDEN.sub("", plain)


def _compared(word: str) -> str:
    return word.lower() if word.isascii() else _seen(word)


def _plain(text: str) -> str | None:
    """The text in ASCII, where only quotes and dashes keep it from that; else None."""
    if text.isascii():
        return text
    text = text.translate(_QUOTES)
    return text if text.isascii() else None


def words(text: str) -> list[str]:
    """The words of a text, as they are compared.

    >>> words("U.S. Marines: build-up, Caf\u00c9"), words("na\u200bval")
    (['u', 's', 'marines', 'build', 'up', 'caf\u00e9'], ['naval'])
    """
    if (plain := _plain(text)) is not None:
        return plain.translate(_LOWERED).split()
    return [seen for word in _WORD.findall(text) if (seen := _compared(word))]


def cased_words(text: str) -> list[str]:
    """The same words, as they are written."""
    if (plain := _plain(text)) is not None:
        return plain.translate(_SPACED).split()
    return [word for word in _WORD.findall(text) if _compared(word)]


def places(text: str) -> list[tuple[int, int]]:
    """Where each of the words stands: characters [start, end) of the text."""
    if (plain := _plain(text)) is not None:
        return [match.span() for match in _PLAIN_WORD.finditer(plain)]
    return [match.span() for match in _WORD.finditer(text) if _compared(match.group())]


def line(found: list[str]) -> str:
    """Words in a line, a space on each side of each."""
    return f" {'  '.join(found)} "


def starts(found: list[str]) -> list[int]:
    """Where each word's leading space stands in their line."""
    return [0, *accumulate(len(word) + 2 for word in found[:-1])] if found else []


def sentences(body: str) -> Iterator[Sentence]:
    """The sentences of a body; none is longer than LONGEST, and none is blank."""
    start = 0
    for match in _END.finditer(body):
        yield from _pieces(body, start, match.end())
        start = match.end()
    yield from _pieces(body, start, len(body))


def _pieces(body: str, start: int, end: int) -> Iterator[Sentence]:
    while end - start > LONGEST:
        cut = body.rfind(" ", start + LONGEST // 2, start + LONGEST)
        cut = start + LONGEST if cut < 0 else cut + 1
        yield from _trimmed(body, start, cut)
        start = cut
    yield from _trimmed(body, start, end)


def _trimmed(body: str, start: int, end: int) -> Iterator[Sentence]:
    text = body[start:end]
    left = text.lstrip()
    if left:
        yield Sentence(start + len(text) - len(left), left.rstrip())
