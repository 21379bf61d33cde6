"""What a person says of candidates: they become reports, as they are or mended, or do not.

Each takes the ids of candidates, whole or the first letters of one, and an author. A candidate
that was confirmed can be rejected later, which takes its report back; one that was rejected can
be confirmed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from forecast.candidate import Candidate, Judgement, Status
from forecast.errors import UsageError
from forecast.evidence import Report
from forecast.intake.vocabulary import Vocabulary
from forecast.names import did_you_mean
from jobs.app import App


@dataclass(frozen=True, slots=True)
class Mended:
    """What of a candidate is otherwise than its rule had it; None leaves it."""

    unit: str | None = None
    tag: str | None = None
    value: float | None = None
    occurred_at: datetime | None = None


AS_IT_IS = Mended()


def confirm(
    app: App, candidate_ids: Iterable[str], author: str, now: datetime, reason: str = ""
) -> list[Candidate]:
    """Take candidates for true: each becomes a report, once."""
    return [_stated(app, one, AS_IT_IS, author, now, reason) for one in found(app, candidate_ids)]


def edit(
    app: App,
    candidate_id: str,
    mended: Mended,
    author: str,
    now: datetime,
    reason: str = "",
) -> Candidate:
    """Take a candidate for true, with another unit, tag, value or date than its rule had."""
    if mended == AS_IT_IS:
        raise UsageError("what is to be mended: unit, tag, value or occurred_at?")
    return _stated(app, found(app, [candidate_id])[0], mended, author, now, reason)


def reject(
    app: App, candidate_ids: Iterable[str], author: str, now: datetime, reason: str
) -> list[Candidate]:
    """Take candidates for untrue; the same statement from another outlet will be as well."""
    if not reason.strip():
        raise UsageError("say why it is rejected", at="reason")
    rejected = []
    for one in found(app, candidate_ids):
        if one.status is Status.REJECTED:
            rejected.append(one)
            continue
        if one.status is Status.CONFIRMED:
            app.store.add_reports([replace(one.report(), retracted=True)], now)
        after = replace(one, status=Status.REJECTED)
        _say(app, one, after, author, now, reason)
        rejected.append(after)
    return rejected


def found(app: App, candidate_ids: Iterable[str]) -> list[Candidate]:
    """The candidates of some ids, or of the first letters of theirs; UsageError for none."""
    names = list(dict.fromkeys(candidate_ids))
    if not names:
        raise UsageError("which candidates? `tocsin inbox` lists them")
    known = app.store.tagging.named(names)
    return [known.get(name) or _beginning(app, name) for name in names]


def _beginning(app: App, name: str) -> Candidate:
    some = app.store.tagging.beginning(name) if len(name) >= 4 else []
    if len(some) == 1:
        return some[0]
    if some:
        raise UsageError(f"several candidates begin with '{name}'; write more of it")
    raise UsageError(f"there is no candidate '{name}'; `tocsin inbox --state all` lists all")


def report_of(app: App, one: Candidate) -> Report:
    """The report that a candidate becomes; UsageError where it cannot be one."""
    try:
        report = one.report()
        Vocabulary.of(app.config).check(report)
    except ValueError as error:
        raise UsageError(str(error), at=one.candidate_id) from None
    return report


def _stated(
    app: App, one: Candidate, mended: Mended, author: str, now: datetime, reason: str
) -> Candidate:
    if one.status is Status.CONFIRMED and mended == AS_IT_IS:
        return one
    after = replace(one, status=Status.CONFIRMED, **_changes(app, mended))
    report = report_of(app, after)
    if _is_taken_back(app, one):
        report = replace(report, known_at=now)
    # The report goes first: if we die between, it waits still, and is confirmed to the same one.
    app.store.add_reports([report], now)
    _say(app, one, after, author, now, reason)
    return after


def _is_taken_back(app: App, one: Candidate) -> bool:
    """Whether a candidate was a report once: to be one again is news of now."""
    told = app.store.tagging.judgements([one.candidate_id])
    was = any(word.status is Status.CONFIRMED for word in told)
    return was and one.status is Status.REJECTED


def _changes(app: App, mended: Mended) -> dict[str, Any]:
    names = ("unit", "tag", "value", "occurred_at")
    changes = {name: told for name in names if (told := getattr(mended, name)) is not None}
    for name, known in (("unit", app.config.units), ("tag", app.config.indicators)):
        told = changes.get(name)
        if told is not None and told not in known:
            raise UsageError(f"there is no {name} '{told}'{did_you_mean(str(told), known)}")
    return changes


def _say(
    app: App, before: Candidate, after: Candidate, author: str, now: datetime, reason: str
) -> None:
    said = Judgement(
        *(after.candidate_id, after.status, author, reason.strip(), now),
        *(after.unit, after.tag, after.value, after.occurred_at),
    )
    app.store.tagging.judge(before, said, now)


def history(app: App, candidates: Sequence[Candidate]) -> dict[str, list[Judgement]]:
    """What was said of each candidate, by id."""
    told: dict[str, list[Judgement]] = {one.candidate_id: [] for one in candidates}
    for word in app.store.tagging.judgements(told):
        told[word.candidate_id].append(word)
    return told
