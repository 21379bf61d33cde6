"""Prior against posterior: what the data have taught, in words, as a section and as JSON."""

import math
from typing import Any

from forecast.belief import FADING, SIGNS, Belief, Learnt, Numbers, moved_words
from forecast.clock import format_instant
from forecast.prior import PriorVersion
from forecast.reports.phrases import clean, counted, day_words
from forecast.reports.table import Column, Section, Table

SHOWN = 12  # beliefs that a chart shows, or a page before it folds the rest away
FAR = 0.5  # standard deviations of the prior: what moved further is named
CLOSER = 0.2  # of the spread: what shrank by more is known more closely
FEW = 0.2  # of the beliefs: if no more moved, the data have moved little
MOST_NAMED = 3
_NAMES = {"base_rate": "base rate", "unit_spread": "spread between units"}
_COLUMNS = (
    Column("belief", is_number=False),
    Column("believed"),
    Column("now"),
    Column("moved by"),
    Column("range", rank=2),
    Column("in words", is_number=False, rank=1),
)
_WORDS = (Column("belief", is_number=False), Column("in words", is_number=False))


def name_of(key: str) -> str:
    """A belief as a reader calls it.

    >>> name_of("effects.union.ballot"), name_of("long-strike.share"), name_of("base_rate")
    ('union.ballot', 'share of long-strike', 'base rate')
    """
    if key.startswith(SIGNS):
        return clean(key.removeprefix(SIGNS), 60)
    part, _, kind = key.rpartition(".")
    if part and kind in ("share", "rest_of"):
        return f"share of {clean(part, 50)}"
    return _NAMES.get(key, clean(key, 60))


def words_of(belief: Belief) -> str:
    """How it was stated, and of a sign how fast it fades."""
    fades = f", half-life {belief.fading}" if belief.fading else ""
    return clean(f"{belief.words}{fades}", 120)


def numbers_words(numbers: Numbers) -> str:
    """A median and its central 90 %; a rate without its period.

    >>> numbers_words(Numbers("per quarter", 0.012, 0.004, 0.03))
    '1.2 % (0.4–3 %)'
    """
    plain = str(numbers).replace(" a quarter", "")
    return plain.replace("[", "(").replace("]", ")")


def moved_by(belief: Belief) -> str:
    """How far its middle went, in standard deviations of the prior: '▲ 0.8 sd', or '·'."""
    far = f"{abs(belief.moved):.1f}"
    return "·" if float(far) == 0 else f"{'▲' if belief.moved > 0 else '▼'} {far} sd"


def belief_section(
    prior: PriorVersion | None, learnt: Learnt | None, *, is_over: bool = False
) -> Section | None:
    """The section, strongest mover first; without what was learnt, the prior alone.

    Of a question that `is_over` no update is promised.
    """
    if prior is None and learnt is None:
        return None
    said = (*said_of(prior, learnt, is_over=is_over), *version_words(prior))
    if learnt is None or not learnt.beliefs:
        rows = tuple(_stated(prior, ()))
        table = Table(_WORDS, rows) if rows else None
    else:
        told = [_row(belief) for belief in learnt.beliefs]
        known = tuple(belief.key for belief in learnt.beliefs)
        rest = ((name, "", "", "", "", words) for name, words in _stated(prior, known))
        table = Table(_COLUMNS, (*told, *rest))
    return Section("prior", "Prior against posterior", said, table=table, shown=SHOWN)


def said_of(
    prior: PriorVersion | None, learnt: Learnt | None, *, is_over: bool = False
) -> tuple[str, ...]:
    """What the data have taught, when and at which unit; or why that is not known."""
    if learnt is None:
        waits = "." if is_over else " yet: the next update brings it."
        return (f"What the data have made of it is not on record{waits}",)
    said = [taught(learnt)]
    if learnt.beliefs:
        at = f"at {clean(learnt.unit, 60)} by {day_words(learnt.as_of)}"
        said.append(f"As the model '{clean(learnt.model, 40)}' had learnt it {at}.")
    if prior is not None and _is_older(learnt, prior):
        said.append(f"Version {prior.version} of the prior is newer: it is learnt at an update.")
    return tuple(said)


def taught(learnt: Learnt) -> str:
    """The data's lesson in one or two plain sentences."""
    beliefs = learnt.beliefs
    if not beliefs:
        model = clean(learnt.model, 40)
        return f"What the data made of single beliefs cannot be told: '{model}' keeps no draws."
    moved = [belief for belief in beliefs if abs(belief.moved) > FAR]
    whole = counted(len(beliefs), "belief")
    if not moved:
        said = (
            f"The data have moved little: of {whole} none went further than half a standard "
            f"deviation; the furthest is {_went(beliefs[0])}"
        )
    else:
        few = "little" if len(moved) <= FEW * len(beliefs) else "much"
        named = [_went(belief) for belief in moved[:MOST_NAMED]]
        more = [f"{len(moved) - MOST_NAMED} more"] if len(moved) > MOST_NAMED else []
        said = (
            f"The data have moved {few}: of {whole} {len(moved)} went further than half a "
            f"standard deviation: {_listed([*named, *more])}"
        )
    closer = sum(belief.narrower > CLOSER for belief in beliefs)
    if not closer:
        return f"{said}."
    are = "are" if closer > 1 else "is"
    return f"{said}. {closer} of them {are} known more closely, by a fifth of the range or more."


def version_words(prior: PriorVersion | None) -> tuple[str, ...]:
    """Which version of the prior it is, of when, by whom and why."""
    if prior is None:
        return ()
    reason = f": {clean(prior.reason, 200)}" if prior.reason else ""
    author = clean(prior.author, 60)
    return (f"Prior version {prior.version}, {day_words(prior.at)}, {author}{reason}",)


def beliefs_json(learnt: Learnt) -> dict[str, Any]:
    """What was learnt, unrounded; `moved_sd` in standard deviations of the prior."""
    return {
        "unit": learnt.unit,
        "model": learnt.model,
        "as_of": format_instant(learnt.as_of),
        "beliefs": [
            {
                "key": belief.key,
                "words": belief.words,
                "half_life": belief.fading or None,
                "unit": belief.prior.unit,
                "prior": _numbers(belief, "prior"),
                "posterior": _numbers(belief, "now"),
                "moved_sd": belief.moved,
                "narrower": belief.narrower,
            }
            for belief in learnt.beliefs
        ],
    }


def _numbers(belief: Belief, which: str) -> dict[str, float | None]:
    found = getattr(belief, which)
    told = {name: getattr(found, name) for name in ("median", "lower", "upper")}
    return {name: x if math.isfinite(x) else None for name, x in told.items()}


def _row(belief: Belief) -> tuple[str, ...]:
    _, _, spread = moved_words(belief).partition(", ")
    a_quarter = ", a quarter" if belief.prior.unit == "per quarter" else ""
    return (
        f"{name_of(belief.key)}{a_quarter}",
        numbers_words(belief.prior),
        numbers_words(belief.now),
        moved_by(belief),
        spread,
        words_of(belief),
    )


def _stated(prior: PriorVersion | None, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """Beliefs of which no posterior is told, in words; of a sign with how fast it fades."""
    words = prior.words if prior else {}
    rows = []
    for key, text in words.items():
        if key in known or key.startswith(FADING):
            continue
        fading = words.get(key.replace(SIGNS, FADING, 1), "") if key.startswith(SIGNS) else ""
        left = f"what {text} leaves" if key.endswith("rest_of") else text
        fades = f", half-life {fading}" if fading else ""
        rows.append((name_of(key), clean(f"{left}{fades}", 120)))
    return rows


def _is_older(learnt: Learnt, prior: PriorVersion) -> bool:
    """Whether the prior was stated in other words when it was learnt."""
    return any(prior.words.get(belief.key) != belief.words for belief in learnt.beliefs)


def _went(belief: Belief) -> str:
    name = name_of(belief.key)
    name = name if belief.key.startswith(SIGNS) else f"the {name}"
    start, end = belief.prior.middle, belief.now.middle
    if start == end:
        return f"{name}, {'up' if belief.moved > 0 else 'down'} by {abs(belief.moved):.1f}"
    return f"{name}, from {start.removesuffix(' a quarter')} to {end}"


def _listed(parts: list[str]) -> str:
    return "; ".join(parts[:-1]) + ("; and " if parts[1:] else "") + parts[-1]
