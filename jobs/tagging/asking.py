"""Asking a person about each candidate of an article, before anything is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.article import Article
from forecast.candidate import Candidate, Status
from forecast.clock import parse_instant
from jobs.app import App
from jobs.tagging import judging
from jobs.tagging.intake import keep
from jobs.tagging.judging import AS_IT_IS, Mended

type Ask = Callable[[str], str]

_CHOICES = "accept, edit, reject, later, all or quit? [later]"
_EDITED = "what is otherwise, as tag=..., unit=..., value=... or occurred=...?"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of a candidate: a report, mended or not; rejected; or to wait."""

    status: Status
    mended: Mended = AS_IT_IS
    reason: str = ""


CONFIRMED, LATER = Verdict(Status.CONFIRMED), Verdict(Status.WAITING)


def ask_each(candidates: Sequence[Candidate], ask: Ask) -> dict[str, Verdict] | None:
    """A verdict on each candidate by id, as a person answers; None if they leave (quit)."""
    verdicts: dict[str, Verdict] = {}
    for number, one in enumerate(candidates, 1):
        words = f"{number}. {one.tag} at {one.unit}, value {one.value:g}: {_CHOICES}"
        verdict = _verdict(one, ask, words)
        if verdict is None:
            return None
        if verdict == "all":
            rest = candidates[number - 1 :]
            return verdicts | {other.candidate_id: CONFIRMED for other in rest}
        assert isinstance(verdict, Verdict)
        verdicts[one.candidate_id] = verdict
    return verdicts


def _verdict(one: Candidate, ask: Ask, words: str) -> Verdict | str | None:
    while True:
        answer = ask(words).strip().lower()
        match answer[:2] if answer.startswith("al") else answer[:1]:
            case "al":
                return "all"
            case "a":
                return CONFIRMED
            case "r":
                return Verdict(Status.REJECTED, reason=ask("why?").strip() or "rejected as tagged")
            case "e":
                try:
                    return Verdict(Status.CONFIRMED, mended_by(ask(_EDITED)))
                except ValueError as error:
                    words = f"{error}; {one.tag}: {_CHOICES}"
            case "l" | "":
                return LATER
            case "q":
                return None


def mended_by(words: str) -> Mended:
    """What `tag=a.b value=0.7` says; ValueError where it cannot be read.

    >>> mended_by("tag=a.b value=0.7")
    Mended(unit=None, tag='a.b', value=0.7, occurred_at=None)
    """
    mended = AS_IT_IS
    for part in words.replace(",", " ").split():
        name, _, text = part.partition("=")
        if name == "value":
            mended = replace(mended, value=float(text))
        elif name == "occurred":
            mended = replace(mended, occurred_at=parse_instant(text))
        elif name == "tag" and text:
            mended = replace(mended, tag=text)
        elif name == "unit" and text:
            mended = replace(mended, unit=text)
        else:
            raise ValueError(f"'{part}' says nothing")
    if mended == AS_IT_IS:
        raise ValueError("that mends nothing")
    return mended


def write(
    app: App,
    articles: Sequence[Article],
    candidates: Sequence[Candidate],
    verdicts: dict[str, Verdict],
    author: str,
    now: datetime,
) -> None:
    """Keep the candidates of articles, and do with each what was said."""
    keep(app, articles, candidates, now, asks=True)
    for one in candidates:
        verdict = verdicts.get(one.candidate_id, LATER)
        names = [one.candidate_id]
        if verdict.status is Status.REJECTED:
            judging.reject(app, names, author, now, verdict.reason)
        elif verdict.mended != AS_IT_IS:
            judging.edit(app, one.candidate_id, verdict.mended, author, now)
        elif verdict.status is Status.CONFIRMED:
            judging.confirm(app, names, author, now)
