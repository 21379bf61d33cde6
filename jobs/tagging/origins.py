"""Which newsroom a text draws on: "(Reuters) -", "AP reports", "according to CNN"."""

import re
from collections.abc import Iterable

LEAD = 400  # characters of a body in which a dateline may stand

_SAYS = (
    r"(?i:reports?|reported|reporting|said|says|cited|quoted|notes?|noted|writes?|wrote|sources?"
    r"|account|article|analysis|exclusive)\b"
)
_BEFORE = r"(?i:according to|told|tells|citing|cites?|per|via|quoting|reported by)\s+(?:[Tt]he\s+)?"


class Origins:
    """The newsrooms of the packs, by the names that texts call them by, in their own case."""

    def __init__(self, named: Iterable[tuple[str, Iterable[str]]]) -> None:
        self._newsroom = {name: room for room, names in named for name in names}
        names = "|".join(map(re.escape, sorted(self._newsroom, key=len, reverse=True)))
        self._named = re.compile(rf"\b(?:{names})\b")
        self._says = re.compile(rf"(?:\s+|:\s*){_SAYS}|\s*:")
        self._before = re.compile(rf"\b{_BEFORE}$")

    def of(self, text: str) -> str:
        """The first newsroom that a text says it draws on, or "".

        >>> named = Origins([("Reuters", ["Reuters"]), ("AP", ["AP", "Associated Press"])])
        >>> named.of("CARACAS (Reuters) - A ship left."), named.of("the Associated Press reported")
        ('Reuters', 'AP')
        >>> named.of("Reuters Square")
        ''
        """
        for match in self._named.finditer(text) if self._newsroom else ():
            start, end = match.span()
            is_dateline = text[start - 1 : start] == "(" and text[end : end + 1] == ")"
            is_said = self._says.match(text, end)
            if is_dateline or is_said or self._before.search(text, max(0, start - 30), start):
                return self._newsroom[match.group()]
        return ""
