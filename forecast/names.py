"""Names that people type: patterns of them, and the nearest one to a typo."""

import fnmatch
from collections.abc import Iterable
from difflib import get_close_matches


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether any shell pattern fits the name."""
    return any(pattern == "*" or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' where a known name is near, else nothing."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
