"""Whether a pattern can be trusted with any text: how many ways there are to try it at a place.

Python's `re` goes back and tries again; `(a+)+b` on forty a's takes years. The number of tries
at one place is at most the product of the choices in the pattern: how often each part may be
repeated, how many alternatives there are. A pattern of more than `MOST_TRIES` is refused.
"""

import re
from importlib import import_module
from typing import Any

from jobs.tagging.words import LONGEST

MOST_TRIES = 10_000
MOST_CHARACTERS = 500
_TOO_MANY = 10**9
_parser: Any = import_module("re._parser")  # how the standard library itself reads a pattern


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that is safe on any sentence; ValueError says why it is not."""
    if len(pattern) > MOST_CHARACTERS:
        raise ValueError(f"is longer than {MOST_CHARACTERS} characters")
    try:
        tree = _parser.parse(pattern)
        found = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if found.search(""):
        raise ValueError("fits an empty text, so it would fit everywhere")
    if tries(tree) > MOST_TRIES:
        raise ValueError(
            f"could be tried in more than {MOST_TRIES:,} ways at one place, for it repeats within "
            "or beside repeats; bound them, or use `requires` and `within`"
        )
    return found


def tries(tree: Any) -> int:
    """The most ways to try a parsed pattern at one place, up to a thousand million.

    >>> tries(_parser.parse("strikes? on (?:land|soil)")), tries(_parser.parse("(ab|cd){0,3}"))
    (4, 32)
    """
    product = 1
    for operation, argument in tree:
        product = min(_TOO_MANY, product * _tries_of(str(operation), argument))
    return product


def _tries_of(operation: str, argument: Any) -> int:
    match operation:
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, body = argument
            most = min(int(most), LONGEST)
            inside = tries(body)
            if inside > 1 and most > 30:
                return _TOO_MANY
            return int(min(_TOO_MANY, (most - min(least, most) + 1) * inside**most))
        case "BRANCH":
            return min(_TOO_MANY, sum(tries(part) for part in argument[1]))
        case "SUBPATTERN":
            return tries(argument[-1])
        case "ASSERT" | "ASSERT_NOT":
            return tries(argument[1])
        case "ATOMIC_GROUP":
            return tries(argument)
        case "GROUPREF" | "GROUPREF_EXISTS":
            return _TOO_MANY
        case _:
            return 1
