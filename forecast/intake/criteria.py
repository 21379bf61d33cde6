"""Whether resolution criteria can be checked: what they must say, and words that say little.

A question can be checked where its criteria say

    when it ends yes        "Yes if ...", "Resolves yes when ...", "Counts only if ..."
    by whose word           "as reported by ...", "announced by ...", "according to ...", an
                            address, "Source: ..."
    in which time zone      every time of day with its zone: "23:59 UTC"

and its kind of event, its unit and its window are known to the watch, which the watch knows by
itself. These are what Metaculus, Good Judgment Open and Autocast ask of a question as well.
It is a reading of words, not of meaning: it finds what is left out, and no more.
"""

import re
from collections.abc import Iterable

from forecast.question import Question

LEAST_WORDS = 5

_CONDITION = re.compile(
    r"\b(yes|no|true|positive\w*|resolv\w+|counts?)\b[^.;]{0,60}?\b(if|when|once|where|unless|only)\b",
    re.IGNORECASE,
)
_SOURCE = re.compile(
    r"https?://\S"
    r"|\b(sources?|judge|resolver|arbiter)\s*:\s*\w"
    r"|\b(according to|based on|consensus of|the word of|data (from|of|by)|(web)?site of)\b"
    r"|\b(acknowledged|announced|certified|confirmed|decided|declared|determined|disclosed|filed"
    r"|issued|judged|listed|measured|posted|published|recorded|released|reported|shown|stated"
    r"|verified)\s+(by|in|on|at)\b"
    r"|\b(announc|acknowledg|declar|publish|certif|confirm)(e|es|s|y|ies)\b"
    r"|\b(says?|states?)\s+publicly\b|\b(press|official)\s+(release|statement|gazette)\b"
    r"|(?-i:\b[Pp]er\s+(the\s+)?[A-Z])"
    r"|(?-i:\b[A-Z][\w.&-]+\s+(reports?|shows?|lists?|records?|states?|says?|puts?)\b)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![+-])\b([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?|\b\d{1,2}\s?[ap]\.?m\b", re.IGNORECASE
)
_ZONE = re.compile(r"^[.:\d]*\s*\(?(Z\b|UTC|GMT|[+-]\d\d|[A-Z]{1,4}T\b|[A-Z]\w+/[A-Z]\w+)")
_VAGUE = re.compile(
    r"\b(significant|substantial|considerabl|meaningful|notabl|serious|severe|major|massive"
    r"|widespread|large[- ]scale|soon|imminent|shortly|near future|many|several|numerous"
    r"|roughly|approximately|likely|some kind|and so on|etc)\w*",
    re.IGNORECASE,
)


def faults(criteria: str) -> list[str]:
    """What the criteria do not say and must, each in a few words; none where they can be checked.

    >>> faults("Yes if the port says so, as reported by the port by 23:59 UTC.")
    []
    >>> faults("The strike is over by 23:59.")[1]
    'name no source (as reported by ..., according to ..., an address)'
    """
    words = " ".join(criteria.split())
    if not words:
        return ["are empty"]
    found = []
    if not _CONDITION.search(words) or len(words.split()) < LEAST_WORDS:
        found.append("state no condition (Yes if ...)")
    if not _SOURCE.search(words):
        found.append("name no source (as reported by ..., according to ..., an address)")
    if unzoned := _without_zone(words):
        found.append(f"give the time {unzoned} without a time zone")
    return found


def unclear_in(questions: Iterable[Question]) -> list[tuple[str, str]]:
    """The questions whose criteria cannot be checked, by id, and what these do not say."""
    found = [(q.question_id, faults(q.resolution_criteria)) for q in questions]
    return [(name, "; ".join(wrong)) for name, wrong in found if wrong]


def vague(criteria: str) -> list[str]:
    """Words that two readers may take differently, each once.

    >>> vague("Yes if a major walkout comes soon, and is major.")
    ['major', 'soon']
    """
    return list(dict.fromkeys(match.group(0).lower() for match in _VAGUE.finditer(criteria)))


def with_source(criteria: str, source: str) -> str:
    """The criteria, and by whose word they are judged.

    >>> with_source("Yes if it rains", "the airport's station")
    "Yes if it rains. Source: the airport's station."
    """
    criteria, source = criteria.strip(), source.strip().rstrip(".")
    if not source:
        return criteria
    stop = "" if not criteria or criteria.endswith((".", "!", "?")) else "."
    return f"{criteria}{stop} Source: {source}.".strip()


def _without_zone(words: str) -> str:
    """The first time of day that names no zone, or ""."""
    for match in _TIME.finditer(words):
        if not _ZONE.match(words[match.end() :]):
            return match.group(0)
    return ""
