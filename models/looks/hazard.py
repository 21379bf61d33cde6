"""The family `hazard` on the draws that it has, in arrays; the formulas are in `models.hazard`."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from forecast.question import Question
from models.api import Task
from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.hazard.settings import Setting, settings_of
from models.hazard.signals import Signals
from models.priors.beliefs import Beliefs
from models.shares import share_of
from models.track import Track, heard, lay_out, missing, watched_days

SCALARS = 3  # theta is log rate, log shape, log ceiling, then one log ratio a column
SMOOTHING = 1e-3  # of the kink of a group at 0, as in `models.hazard.density`
MOST_NEW = 30  # rows, as in `models.engine.problem`
CELLS = 40_000  # draws x rows at once, so that arrays stay in the processor's cache
AT_RISK, LOG_M, EVENTS = "at_risk", "log_m_of_events", "events"


@dataclass(frozen=True, slots=True)
class Prior:
    """Means and standard deviations (parameter,), who is in which group, whether capped.

    `alone` (tag,) is 1 for tags in no group; `groups` are the places of the members of each.
    """

    mean: Array
    sd: Array
    alone: Array
    groups: tuple[NDArray[np.int64], ...]
    capped: bool

    @classmethod
    def of(cls, beliefs: Beliefs) -> "Prior":
        """Lay out the beliefs."""
        columns = beliefs.columns()
        normals = [beliefs.log_rate, beliefs.log_shape, beliefs.log_ceiling or beliefs.log_rate]
        normals += [column.log_ratio for column in columns]
        names = sorted({c.group for c in columns if c.group})
        return cls(
            mean=np.array([n.mean for n in normals]),
            sd=np.array([n.sd for n in normals]),
            alone=np.array([float(not c.group) for c in columns]),
            groups=tuple(
                np.flatnonzero([c.group == name for c in columns]).astype(np.int64)
                for name in names
            ),
            capped=beliefs.log_ceiling is not None,
        )


@dataclass(frozen=True, slots=True)
class HazardLook:
    """A track laid out: rows under every setting (setting, row, tag), and what is believed.

    `paths` is how many draws there are: each has a future of its own, which hangs on that.
    """

    task: Task
    model_hash: str
    prior: Prior
    track: Track
    signals: Signals
    settings: tuple[Setting, ...]
    x: Array
    paths: int = 0
    _ahead: dict[int, list[Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Task, model_hash: str, paths: int = 0) -> "HazardLook":
        """Lay out a task."""
        track, settings = lay_out(task), settings_of(task.beliefs)
        signals = Signals.of(task.beliefs, track.pulses, heard(task))
        signals = replace(signals, watched=watched_days(track))
        rows = track.rows
        x = rows.x[None]
        if len(settings) > 1 or signals.levels:
            days = np.arange(len(rows.exposure), dtype=float)
            x = np.stack([signals.past(days, s) for s in settings])
        return cls(task, model_hash, Prior.of(task.beliefs), track, signals, settings, x, paths)

    def believing(self, beliefs: Beliefs) -> "HazardLook":
        """The same track under beliefs that differ in priors of parameters alone."""
        task = replace(self.task, beliefs=beliefs)
        return replace(self, task=task, prior=Prior.of(beliefs))

    @property
    def start(self) -> Array:
        """The prior means (parameter,)."""
        return self.prior.mean

    @property
    def scale(self) -> Array:
        """The prior standard deviations (parameter,)."""
        return self.prior.sd

    def is_of(self, fit: Fit) -> bool:
        """Whether a fit is of these parameters and settings, under these beliefs, and recent."""
        new = len(self.track.rows.exposure) - fit.size
        return (
            self.has_place_for(fit)
            and fit.prior_digest == self.model_hash + self.task.beliefs.digest()
            and 0 <= new <= MOST_NEW
        )

    def has_place_for(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters and settings."""
        settings = fit.extras[AT_RISK].shape[1] if AT_RISK in fit.extras else 0
        return fit.draws.shape[1] == len(self.prior.mean) and settings == len(self.settings)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,), up to a constant that is the same under all beliefs."""
        away = (draws - self.prior.mean) / self.prior.sd
        return np.asarray(-0.5 * (away**2).sum(axis=1) - np.log(self.prior.sd).sum())

    def reweigh(self, fit: Fit) -> Posterior:
        """The fit's draws on the present rows."""
        digest = self._digest(None)
        if fit.data_digest == digest:
            return Posterior(fit.draws, fit.log_weights, fit.log_likelihood, fit.extras)
        if self._digest(fit.size) == fit.data_digest:
            new = self._exposed(fit.draws, fit.size)
            extras = {name: fit.extras[name] + new[name] for name in new}
        else:
            extras = self._exposed(fit.draws, 0)
        likelihood = np.logaddexp.reduce(self._by_setting(fit.draws, extras), axis=1)
        gain = likelihood - fit.log_likelihood
        return Posterior(fit.draws, fit.log_weights + gain, likelihood, extras)

    def posterior(self, draws: Array) -> Posterior:
        """Draws with their likelihood on the present rows, and no weights yet."""
        extras = self._exposed(draws, 0)
        likelihood = np.logaddexp.reduce(self._by_setting(draws, extras), axis=1)
        return Posterior(draws, np.zeros(len(draws)), likelihood, extras)

    def chances(self, posterior: Posterior, most: int) -> dict[str, Array]:
        """P of each question for each of the first so many draws (draw,)."""
        draws, task = posterior.draws[:most], self.task
        extras = {name: values[:most] for name, values in posterior.extras.items()}
        hazard = self._along(draws)
        levels = self._by_setting(draws, extras)
        weight = np.exp(levels - levels.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        shape = np.exp(draws[:, 1:2]) + extras[EVENTS]
        scale = np.exp(draws[:, 1:2] - draws[:, :1]) + extras[AT_RISK]
        alike: dict[tuple[str, int, int], list[Question]] = defaultdict(list)
        for q in task.questions:
            alike[q.definition, self.track.window(q)[0], missing(task, q)].append(q)
        found: dict[str, Array] = {}
        for (definition, first, lacking), asked in alike.items():
            share = share_of(task, definition, len(draws))[:, None, None]
            end = hazard[:, :, [self.track.window(q)[1] for q in asked]]
            opening = hazard[:, :, first, None]
            if task.beliefs.recurrent:
                by_setting = _at_least(lacking, share * (end - opening), shape, scale)
            else:
                before, after = (_at_least(1, h, shape, scale) for h in (opening, end))
                by_setting = share * (after - before) * (lacking == 1)
            p = np.einsum("ds,dsq->qd", weight, by_setting)
            found |= {q.question_id: row for q, row in zip(asked, p, strict=True)}
        return {q.question_id: found[q.question_id] for q in task.questions}

    def effective_days(self, log_rate: Array, log_shape: Array) -> Array:
        """E (draw,), the integral of m over the time at risk, for draws of rate and shape (draw,).

        Ceiling and effects are drawn from their priors, the same for every unit; on average over
        the settings.
        """
        rng = np.random.default_rng([self.task.seed, 9])
        z = rng.standard_normal((len(log_rate), len(self.start)))
        draws = self.start + self.scale * z
        draws[:, 0], draws[:, 1] = log_rate, log_shape
        weights = np.exp([setting.log_weight for setting in self.settings])
        return np.asarray(self._exposed(draws, 0)[AT_RISK] @ weights)

    def _by_setting(self, draws: Array, extras: dict[str, Array]) -> Array:
        """Log of prior weight times likelihood (draw, setting)."""
        from scipy.special import gammaln

        kappa, events = np.exp(draws[:, 1:2]), extras[EVENTS]
        log_scale = draws[:, 1:2] - draws[:, :1]
        given = extras[LOG_M] + gammaln(kappa + events) - gammaln(kappa) + kappa * log_scale
        given = given - (kappa + events) * np.log(np.exp(log_scale) + extras[AT_RISK])
        return np.asarray(given + np.array([setting.log_weight for setting in self.settings]))

    def _exposed(self, draws: Array, first: int) -> dict[str, Array]:
        """What the rows from place `first` on come to, for each draw and setting."""
        rows = self.track.rows
        exposure, events = rows.exposure[first:], rows.events[first:]
        happened = np.flatnonzero(events)
        at_risk = np.zeros((len(draws), len(self.settings)))
        log_m = np.zeros_like(at_risk)
        step = max(CELLS // max(len(exposure), 1), 1)
        for place, x in enumerate(self.x[:, first:]):
            for i in range(0, len(draws) if len(exposure) else 0, step):
                part = slice(i, i + step)
                inverse = inverse_multiplier(self.prior, draws[part], x)
                at_risk[part, place] = (1 / inverse) @ exposure
                log_m[part, place] = -np.log(inverse[:, happened]) @ events[happened]
        count = np.full((len(draws), 1), events.sum())
        return {AT_RISK: at_risk, LOG_M: log_m, EVENTS: count}

    def _along(self, draws: Array) -> Array:
        """H (draw, setting, edge) along each draw's own future."""
        n, track = len(draws), self.track
        width = np.diff(track.edges)
        found = np.zeros((n, len(self.settings), len(track.edges)))
        for place, x in enumerate(self._futures(n)):
            step = max(CELLS // max(x.shape[1] * x.shape[2], 1), 1)
            for i in range(0, n, step):
                part = slice(i, i + step)
                steps = width / inverse_multiplier(self.prior, draws[part], x[part])
                found[part, place, 1:] = np.cumsum(steps, axis=1)
        return found

    def _futures(self, draws: int) -> list[Array]:
        """Covariates (draw, bin, tag) under each setting, of the first of as many as there are."""
        known = max(self.paths, draws)
        if known not in self._ahead:
            made = (self.track.now, self.track.edges, known, self.task.seed)
            self._ahead[known] = [self.signals.ahead(*made, s) for s in self.settings]
        return [x[:draws] for x in self._ahead[known]]

    def _digest(self, rows: int | None) -> str:
        """Of the first rows, or of all, as `models.hazard.problem.data_digest`."""
        known, digest = self.track.rows, hashlib.sha256()
        log_weight = np.array([setting.log_weight for setting in self.settings])
        for array in (self.x[:, :rows], known.exposure[:rows], known.events[:rows], log_weight):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def inverse_multiplier(prior: Prior, draws: Array, x: Array) -> Array:
    """1 / m (draw, row) along covariates x, (row, tag) for all or (draw, row, tag) each."""
    beta = draws[:, SCALARS:]
    s = _product(x, beta * prior.alone)
    for members in prior.groups:
        inside, strength = x[..., members], beta[:, members]
        squares = _product(inside**2, strength**2)
        signed = _product(inside * abs(inside), strength * abs(strength))
        s += _norm((squares + signed) / 2) - _norm((squares - signed) / 2)
    inverse = np.exp(-s)
    if prior.capped:
        inverse += np.exp(draws[:, :1] - draws[:, 2:3])
    return np.asarray(inverse)


def _product(x: Array, beta: Array) -> Array:
    return beta @ x.T if x.ndim == 2 else np.matvec(x, beta)


def _norm(squares: Array) -> Array:
    return np.sqrt(np.maximum(squares, 0.0) + SMOOTHING**2) - SMOOTHING


def _at_least(events: int, hazard: Array, shape: Array, scale: Array) -> Array:
    """P of so many events (draw, setting, question) along H, the unit's rate integrated out."""
    odds = hazard / scale[:, :, None]
    if events == 1:
        return np.asarray(-np.expm1(-shape[:, :, None] * np.log1p(odds)))
    from scipy.special import betainc

    return np.asarray(betainc(float(events), shape[:, :, None], odds / (1 + odds)))
