"""Which newsroom a text draws on: "(Reuters) -", "AP reports", "according to CNN"."""

import re
from collections.abc import Iterable

LEAD = 400  # characters of a body in which a dateline may stand

_SAYS = (
    r"(?:reports?|reported|reporting|said|says|cited|quoted|notes?|noted|writes?|wrote|sources?"
    r"|account|article|analysis|exclusive)\b"
)
_BEFORE = r"\b(?:according to|told|tells|citing|cites?|per|via|quoting|first reported by|by)\s+"


class Origins:
    """The newsrooms of the packs, by the names that texts call them by."""

    def __init__(self, named: Iterable[tuple[str, Iterable[str]]]) -> None:
        self._newsroom = {name.casefold(): room for room, names in named for name in names}
        names = sorted(self._newsroom, key=len, reverse=True)
        any_of = f"(?P<{{}}>{'|'.join(map(re.escape, names))})"
        the = r"(?:the\s+)?"
        self._pattern = re.compile(
            rf"\(\s*{any_of.format('a')}\s*\)"
            rf"|\b{any_of.format('b')}(?:\s+|:\s*){_SAYS}"
            rf"|\b{any_of.format('c')}\s*:"
            rf"|{_BEFORE}{the}{any_of.format('d')}\b",
            re.IGNORECASE,
        )

    def of(self, text: str) -> str:
        """The first newsroom that a text says it draws on, or "".

        >>> named = Origins([("Reuters", ["Reuters"]), ("AP", ["AP", "Associated Press"])])
        >>> named.of("CARACAS (Reuters) - A ship left."), named.of("the Associated Press reported")
        ('Reuters', 'AP')
        >>> named.of("Reuters Square")
        ''
        """
        if not self._newsroom:
            return ""
        match = self._pattern.search(text)
        name = next(filter(None, match.groups()), "") if match else ""
        return self._newsroom.get(name.casefold(), "")
