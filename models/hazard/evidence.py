"""Work on a track whose evidence is signals: what was known when, and what each step adds."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.estimate import Estimate
from forecast.evidence import Report
from forecast.question import Question
from models.api import Task
from models.covariates import Array, Pulses
from models.engine.fit import Fit
from models.engine.ladder import Rung, reweigh
from models.engine.problem import Problem
from models.hazard.signals import Signals
from models.track import Seen, heard, watched_days
from models.work import DrawsWork


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is taken to be known: the signals, and events known before a moment (None: all)."""

    signals: Signals
    known_before: datetime | None = None


class SignalsWork(DrawsWork):
    """Work of a family whose hazard follows `Signals`."""

    def __init__(self, task: Task, model_hash: str) -> None:
        super().__init__(task, model_hash)
        self.watched = watched_days(self.track)
        self.signals = self._signals(self.track.pulses, heard(task))
        self._seen: dict[datetime, Seen] = {}
        self._meant: dict[
            tuple[int, int, datetime | None], tuple[Rung, Evidence, dict[str, float]]
        ] = {}
        self._weighed: dict[tuple[int, datetime | None], Rung] = {}
        # with what was cut alive, so that an id stands for one of them
        self._cut: dict[tuple[int, int], tuple[Pulses, object, Signals]] = {}

    @abstractmethod
    def chance(self, rung: Rung, question: Question, given: Evidence | None = None) -> Array:
        """P of the question for each draw (draw,), with all evidence there is or some of it."""

    def chances(self, rung: Rung, given: Evidence | None = None) -> dict[str, Array]:
        """P of each question for each draw (draw,)."""
        return {q.question_id: self.chance(rung, q, given) for q in self.task.questions}

    @abstractmethod
    def problem_as_of(self, moment: datetime) -> Problem:
        """The problem of the rows as they stood at an earlier moment."""

    def steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence, credibility and learning are added."""
        old, new = self._as_of(base, last.as_of), self._as_of(base, None)

        def p(rung: Rung, signals: Signals, known_before: datetime | None = last.as_of) -> float:
            given = Evidence(signals, known_before)
            return self._means(rung, given)[question.question_id]

        if last.as_of not in self._seen:
            self._seen[last.as_of] = self.track.evidence_before(last.as_of)
        seen = self._seen[last.as_of]
        steps = {}
        if seen.is_any_new:
            steps["time"] = p(old, self._with(seen.old, seen.reports))
        if not seen.is_all_new:
            steps["evidence"] = p(old, self._with(seen.with_new))
        last_cause = ("time", "evidence", "credibility")[len(steps)]
        everything = p(old, self.signals)
        return {**steps, last_cause: everything, "learning": p(new, self.signals, None)}

    def _means(self, rung: Rung, given: Evidence) -> dict[str, float]:
        """P of every question on the draws of a rung."""
        key = (id(rung), id(given.signals), given.known_before)
        if key not in self._meant:
            chances = self.chances(rung, given)
            found = {name: float(rung.weights.mean(p)) for name, p in chances.items()}
            self._meant[key] = (rung, given, found)
        return self._meant[key][2]

    def _as_of(self, fit: Fit, moment: datetime | None) -> Rung:
        """The draws of a fit on the rows as they stood at an earlier moment, or as they stand."""
        key = (id(fit), moment)
        if key not in self._weighed:
            problem = self.problem if moment is None else self.problem_as_of(moment)
            is_same = moment is not None and problem.data_digest == self.problem.data_digest
            self._weighed[key] = self._as_of(fit, None) if is_same else reweigh(problem, fit)
        return self._weighed[key]

    def _with(self, pulses: Pulses, reports: tuple[Report, ...] | None = None) -> Signals:
        """The signals with only these pulses, and the levels that these reports tell of."""
        if pulses is self.signals.pulses and (reports is None or not self.signals.levels):
            return self.signals
        key = (id(pulses), id(reports))
        if key not in self._cut:
            if reports is None:
                signals = replace(self.signals, pulses=pulses)
            else:
                signals = self._signals(pulses, reports)
            self._cut[key] = (pulses, reports, signals)
        return self._cut[key][2]

    def _signals(self, pulses: Pulses, reports: Sequence[Report]) -> Signals:
        return replace(Signals.of(self.task.beliefs, pulses, reports), watched=self.watched)
