"""Why the hazard says what it says: from the stored draws, without fitting anew."""

from collections.abc import Iterable

import numpy as np

from forecast.clock import days_between
from forecast.errors import HeldError
from forecast.evidence import Report
from forecast.explanation import Explanation, IncidentPart, Part, TagPart
from forecast.question import Question
from models.api import BAND, Task
from models.covariates import ROUNDING, Array
from models.engine.fit import Fit
from models.engine.psis import Weights
from models.explaining import UNVERIFIED, concentration_notes, extrapolation_notes, leverage_notes
from models.hazard.explain import incident_stocks, log_parts, stock_shares
from models.hazard.leverage import Leverage
from models.hazard.scenarios import Account
from models.hazard.settings import plain_setting
from models.incidents import Incident
from models.track import Track

MOST_LEFT_OUT = 6  # incidents left out one by one, and as many doubtful ones
MOST_DOUBTFUL = 3


def explain(task: Task, question: Question, state: bytes | None, model_hash: str) -> Explanation:
    """The explanation of one question of the task; HeldError where there are no draws for it."""
    fit = Fit.restored(state)
    if fit is None:
        words = "there are no stored draws to explain; update it first"
        raise HeldError(words, at=question.question_id)
    account = Account(task, question, fit, model_hash)
    whole, tags = parts_of(account)
    chosen, untested = to_leave_out(account.work.track, tags)
    left_out = [account.without(incident) for incident in chosen]
    scenarios = [*left_out, *account.silence(), *account.reports()]
    if chosen:
        scenarios.append(account.retracted(chosen[0]))
    leverage = Leverage(account)
    scalings, swings = leverage.scalings(), leverage.swings()
    conflict = leverage.conflict(scalings)
    return Explanation(
        question_id=question.question_id,
        as_of=task.snapshot.as_of,
        probability=account.whole.probability,
        mcse=account.whole.weights.mcse(account.whole.chance),
        draws=len(fit.draws),
        whole=whole,
        tags=tags,
        scenarios=tuple(scenarios),
        untested=untested,
        scalings=tuple(scalings),
        swings=tuple(swings),
        conflict=conflict,
        notes=(
            *concentration_notes(tags, left_out),
            *extrapolation_notes(tags),
            *leverage_notes(conflict, swings),
        ),
    )


def parts_of(account: Account) -> tuple[Part, tuple[TagPart, ...]]:
    """The log of the present multiplier, and its parts by tag and incident, the strongest first."""
    work, few = account.work, account.work.few_draws
    draws, weights = account.posterior.draws[:few], account.whole.weights.first(few)
    x = work.present()
    parts = log_parts(work.multiplier, work.prior, draws, x)
    usual = plain_setting(work.settings)
    plain = next(place for place, setting in enumerate(work.settings) if setting is usual)
    past = np.abs(work.problem.data.x[plain])
    highest = past.max(axis=0) if len(past) else np.zeros_like(x)
    incidents = _incident_parts(account, parts, weights)
    found = [
        TagPart(
            effect.tag,
            effect.kind,
            float(x[k]),
            float(highest[k]),
            summary(weights, parts[:, k]),
            tuple(i for i in incidents if i.tag == effect.tag),
        )
        for k, effect in enumerate(work.task.beliefs.effects)
        if x[k] != 0
    ]
    ordered = sorted(found, key=lambda t: (-abs(t.part.median), t.tag))
    return summary(weights, parts.sum(axis=1)), tuple(ordered)


def summary(weights: Weights, by_draw: Array) -> Part:
    """Mean, median and band of a part (draw,)."""
    levels = weights.quantiles(by_draw, (0.5, *BAND))
    return Part(float(weights.mean(by_draw)), *(float(level) for level in levels))


def _incident_parts(account: Account, parts: Array, weights: Weights) -> list[IncidentPart]:
    track = account.work.track
    incidents, stocks = incident_stocks(track)
    shares = stock_shares(track, incidents, stocks)
    reports = {r.report_id: r for r in track.task.snapshot.reports}
    beliefs, found = track.task.beliefs, []
    columns = {effect.tag: k for k, effect in enumerate(beliefs.effects)}
    for incident, stock, share in zip(incidents, stocks, shares, strict=True):
        if incident.tag in columns and stock > ROUNDING:
            part = summary(weights, parts[:, columns[incident.tag]] * share)
            mine = [reports[name] for name in incident.report_ids if name in reports]
            found.append(_incident_part(track, incident, float(stock), float(share), part, mine))
    return sorted(found, key=lambda i: (-abs(i.part.mean), i.incident_id))


def _incident_part(
    track: Track, incident: Incident, stock: float, share: float, part: Part, mine: list[Report]
) -> IncidentPart:
    fresh = incident.weight / track.task.beliefs.ordinary_value
    return IncidentPart(
        incident_id=incident.incident_id,
        tag=incident.tag,
        occurred_at=incident.occurred_at,
        known_at=incident.known_at,
        age_days=days_between(incident.occurred_at, track.task.snapshot.as_of),
        faded_to=min(stock / fresh, 1.0) if fresh > 0 else 0.0,
        strength=incident.strength,
        credibility=incident.credibility,
        share=share,
        part=part,
        reports=len(mine),
        newsrooms=_each_once(r.origin or r.source for r in mine),
        urls=_each_once(r.url for r in mine),
        summary=next((r.summary for r in mine if r.summary.strip()), ""),
    )


def to_leave_out(track: Track, tags: tuple[TagPart, ...]) -> tuple[list[Incident], int]:
    """The incidents with the largest parts, and the doubtful ones that raise most; how many not."""
    parts = sorted((i for t in tags for i in t.incidents), key=lambda i: -abs(i.part.mean))
    doubtful = [i for i in parts if i.credibility < UNVERIFIED and i.part.mean > 0]
    chosen = parts[:MOST_LEFT_OUT]
    chosen += [i for i in doubtful[:MOST_DOUBTFUL] if i not in chosen]
    by_name = {(i.tag, i.incident_id): i for i in track.incidents}
    return [by_name[i.tag, i.incident_id] for i in chosen], len(parts) - len(chosen)


def _each_once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word.strip()))
