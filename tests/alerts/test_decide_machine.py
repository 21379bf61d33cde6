"""The decision held against a small model of it over any sequence of what can happen.

The model keeps lists of what it saw and counts them; it shares no code with `alerts.decide`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.decide import close_question
from forecast.alert import Route, Rule, RuleHealth, RuleState, State, Transition
from forecast.estimate import Estimate, Health
from forecast.evidence import Outcome
from tests.alerts.rule_samples import HOUR, START, estimate, look

QUIET = ("prior", "model")
LINES = [(0.4, 0.35), (0.4, 0.1), (0.3, 0.25), (0.6, 0.5)]


@dataclass
class Model:
    """What a rule must do. `row`: evaluations in a row for the change that would come next."""

    firing: bool = False
    quiet: bool = False
    episode: int = 0
    row: list[datetime] = field(default_factory=list)
    moves: list[tuple[float, float, str]] = field(default_factory=list)  # since it left OK
    rises: list[datetime] = field(default_factory=list)
    known: Rule | None = None
    seen: datetime | None = None

    def look(
        self, rule: Rule, at: datetime, p: float, came: float | None, e: float, why: str
    ) -> str:
        """What a healthy evaluation makes it tell: "firing", "resolved" or nothing."""
        edited = self.known not in (None, rule)
        is_new = self.seen is None or at > self.seen
        if not is_new and not (edited and at == self.seen):
            return ""
        was_calm = not self.firing and not self.row
        self.known, self.seen = rule, at
        above, below = p - rule.z * e >= rule.fire_at, p + rule.z * e <= rule.clear_at
        if not (below if self.firing else above):
            self.row = []
        elif is_new or not self.row:
            self.row.append(at)
        if self.row and was_calm:
            self.moves = [(p, p, why)]
        elif is_new:
            self.moves.append((p if came is None else came, p, why))
        if not self.firing:
            by_edit = edited and was_calm and (not is_new or (came or 0.0) >= rule.fire_at)
            return self._fires(rule, by_edit) if self.row else ""
        if len(self.row) >= rule.dwell_down and self.row[-1] - self.row[0] >= rule.for_down:
            self.firing, self.row, self.rises = False, [], []
            return "resolved"
        risen = self.quiet and above and self._news()
        self.rises = [*self.rises, at] if risen and (is_new or not self.rises) else self.rises
        self.rises = self.rises if risen else []
        return self._rings_on(rule) if self.rises else ""

    def _fires(self, rule: Rule, by_edit: bool) -> str:
        if not by_edit and not self._long(self.row, rule):
            return ""
        began = self.moves[0][2] in QUIET
        heard = any(self._news(n) and self.moves[n][2] not in QUIET for n in range(len(self.moves)))
        self.firing, self.row, self.episode = True, [], self.episode + 1
        self.quiet = began and not by_edit and not heard
        return "firing"

    def _rings_on(self, rule: Rule) -> str:
        if not self._long(self.rises, rule):
            return ""
        self.quiet, self.rises, self.episode = False, [], self.episode + 1
        return "firing"

    @staticmethod
    def _long(row: list[datetime], rule: Rule) -> bool:
        return len(row) >= rule.dwell_up and row[-1] - row[0] >= rule.for_up

    def _news(self, upto: int | None = None) -> bool:
        """Whether all that was no retune's doing multiplied the odds by 1.25."""
        factor = 1.0
        for came, p, why in self.moves[1 : None if upto is None else upto + 1]:
            factor *= 1.0 if why in QUIET else p / (1 - p) * (1 - came) / came
        return factor >= 1.25

    def ends(self) -> str:
        """What the end of its question makes it tell."""
        told = "resolved" if self.firing else ""
        self.firing, self.row, self.rises = False, [], []
        return told

    def state(self) -> State:
        """The state in which this stands."""
        if self.firing:
            return State.RECOVERING if self.row else State.FIRING
        return State.PENDING if self.row else State.OK


class Decision(RuleBasedStateMachine):
    """Estimates, repeats, late ones, edits and ends, in any order."""

    @initialize(
        lines=st.sampled_from(LINES),
        up=st.integers(1, 3),
        down=st.integers(1, 3),
        z=st.sampled_from([0.0, 1.0, 2.0]),
        span=st.sampled_from([0, 2]),
    )
    def begin(self, lines: tuple[float, float], up: int, down: int, z: float, span: int) -> None:
        self.rule = Rule("r", *lines, up, down, z, for_up=span * HOUR, for_down=span * HOUR)
        self.model, self.state = Model(), RuleState("r", "us-strike")
        self.hour = 0.0
        self.came: float | None = None
        self.last: tuple[Estimate, float | None, str] | None = None
        self.told: list[Transition] = []

    def check(self, state: RuleState, made: Transition | None, expected: str) -> None:
        assert (made.notify if made else "") == expected
        if made is not None:
            assert (made.before, made.after) == (self.state.state, state.state)
            assert made.detail.endswith(".")
            self.told += [made] if made.notify else []
        else:
            assert state.state is self.state.state
        self.state = state

    def show(self, answer: Estimate, came: float | None, why: str) -> None:
        state, made = look(self.rule, self.state, answer, came)
        at, p = answer.as_of, answer.probability
        if answer.health is not Health.HEALTHY:
            assert made is None
            assert replace(state, health=self.state.health) == self.state
            self.state = state
            return
        why = "time" if why and p == came else why
        self.check(state, made, self.model.look(self.rule, at, p, came, answer.mcse, why))

    @rule(
        p=st.floats(0.05, 0.95) | st.sampled_from([0.35, 0.4, 0.41, 0.5, 0.1]),
        mcse=st.sampled_from([0.0, 0.005, 0.02]),
        wait=st.sampled_from([0.5, 1.0, 3.0]),
        why=st.sampled_from(["evidence", "time", "prior", "model"]),
    )
    def estimated(self, p: float, mcse: float, wait: float, why: str) -> None:
        self.hour += wait
        why = why if self.came is not None else ""
        answer = estimate(p, self.hour, mcse, cause=why, came=self.came)
        self.last = (answer, self.came, why)
        self.show(*self.last)
        self.came = p

    @rule(
        p=st.floats(0.2, 0.95),
        why=st.sampled_from(["evidence", "prior"]),
        idle=st.integers(1, 4),
    )
    def moved_and_stayed(self, p: float, why: str, idle: int) -> None:
        self.estimated(p, 0.0, 1.0, why)
        for _ in range(idle):
            self.estimated(p, 0.0, 1.0, "time")

    @rule(p=st.floats(0.05, 0.95), health=st.sampled_from([Health.HELD, Health.UNVERIFIED]))
    def in_doubt(self, p: float, health: Health) -> None:
        self.hour += 1
        self.show(estimate(p, self.hour, health=health), self.came, "")
        assert self.state.health is RuleHealth.MODEL_UNHEALTHY

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeated(self) -> None:
        assert self.last is not None
        self.show(*self.last)

    @precondition(lambda self: self.last is not None)
    @rule(p=st.floats(0.05, 0.95), ago=st.sampled_from([0.25, 5.0]), healthy=st.booleans())
    def late(self, p: float, ago: float, healthy: bool) -> None:
        at = self.model.seen
        assert at is not None
        hour = (at - START) / HOUR - ago
        health = Health.HEALTHY if healthy else Health.HELD
        late = estimate(p, hour, health=health)
        state, made = look(self.rule, self.state, late, self.came, now=at)
        assert (state, made) == (self.state, None)

    @rule(
        lines=st.sampled_from(LINES),
        up=st.integers(1, 3),
        down=st.integers(1, 3),
        hours=st.sampled_from([0, 2]),
    )
    def edited(self, lines: tuple[float, float], up: int, down: int, hours: int) -> None:
        fire, clear = lines
        self.rule = replace(
            self.rule,
            fire_at=fire,
            clear_at=clear,
            dwell_up=up,
            dwell_down=down,
            for_up=timedelta(hours=hours),
        )

    @rule(outcome=st.sampled_from([*Outcome, None]))
    def over(self, outcome: Outcome | None) -> None:
        state, made = close_question(self.state, outcome, self.came, START + self.hour * HOUR)
        self.check(state, made, self.model.ends())

    @invariant()
    def agrees_with_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        model, state = self.model, self.state
        assert state.state is model.state()
        assert state.episode == model.episode
        assert state.evaluated_as_of == model.seen
        assert state.streak == len(model.row or model.rises)
        if model.firing:
            assert state.route is (Route.DIGEST if model.quiet else Route.NOW)

    @invariant()
    def firing_and_resolved_take_turns_and_episodes_only_grow(self) -> None:
        open_episode = last = 0
        for made in getattr(self, "told", []):
            if made.notify == "firing":
                assert open_episode == 0 or made.reason == "rising_on"
                assert made.episode == last + 1
                open_episode = last = made.episode
            else:
                assert made.episode == open_episode
                open_episode = 0


TestDecision = Decision.TestCase
TestDecision.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
