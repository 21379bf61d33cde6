"""The harness on a family that is exact by construction, and on the same family spoilt."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from models.api import Answer, Draws, EventModel, Task
from models.certify.certificate import FAILED, PASSED, Certificate
from models.certify.harness import judge, replicate, replicates
from tests.models.certify.toy import PlainToy, Toy, simulate

WORLDS = 200


def certificate(model: EventModel, count: int = WORLDS) -> Certificate:
    found = list(replicates(model, simulate, count, seed=5))
    return judge(model.name, found, seed=5, date="", modules={})


def failed(found: Certificate) -> set[str]:
    assert found.verdict == FAILED
    return {t.quantity for t in found.tests if t.p_value < found.alpha / len(found.tests)}


def test_an_exact_posterior_passes_on_every_rung() -> None:
    found = certificate(Toy())
    assert found.verdict == PASSED, found.findings
    assert found.kept == found.replicates == WORLDS
    assert set(found.rungs) == {"R1", "T1"}
    tested = {(t.quantity, t.rung) for t in found.tests}
    quantities = ("log_rate", "log_prior", "log_likelihood", "p:q", "calibration of p:q")
    assert tested == {(q, rung) for q in quantities for rung in ("", "R1", "T1")}


def test_a_deleted_likelihood_is_found_by_the_log_likelihood() -> None:
    assert "log_likelihood" in failed(certificate(Toy(power=0.0)))


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_a_likelihood_halved_or_doubled_is_found(power: float) -> None:
    assert "log_likelihood" in failed(certificate(Toy(power=power)))


def test_a_shifted_posterior_is_found() -> None:
    assert {"log_rate", "p:q", "calibration of p:q"} <= failed(certificate(Toy(shift=0.3)))


def test_replicates_that_the_familys_gate_held_are_dropped_and_counted() -> None:
    found = certificate(Toy(held_above=8))
    assert found.verdict == PASSED, found.findings
    assert found.dropped == {"events are too many": WORLDS - found.kept}
    assert 20 < found.dropped["events are too many"] < WORLDS / 2


def test_a_family_that_holds_most_worlds_back_is_not_certified_by_the_rest() -> None:
    found = certificate(Toy(held_above=2))
    assert found.verdict == FAILED
    assert "replicates passed its own gate" in found.findings[0]


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, PASSED), (0.85, FAILED), (1.15, FAILED)])
def test_a_family_without_a_posterior_is_certified_by_its_p(factor: float, verdict: str) -> None:
    found = certificate(PlainToy(factor))
    assert found.verdict == verdict, found.findings
    assert {t.quantity for t in found.tests} == {"calibration of p:q"}


@dataclass
class Shows(Toy):
    """A family that shows another posterior than it answers from."""

    spoil: Callable[[Draws], Draws] = lambda draws: draws

    def update(self, task: Task, state: bytes | None) -> Answer:
        return Toy().update(task, state)

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        return self.spoil(super().posterior(task, state))


def forgets_the_rate(draws: Draws) -> Draws:
    return Draws(draws.names[1:], draws.values[:, 1:], draws.weights)


def answers_another_p(draws: Draws) -> Draws:
    return replace(draws, values=draws.values * [1, 1, 1, 0.5])


def crashes(_: Draws) -> Draws:
    raise ZeroDivisionError("no events")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (forgets_the_rate, "do not speak of the same: ['log_rate']"),
        (answers_another_p, "and the posterior's mean is"),
        (crashes, "world 0: ZeroDivisionError: no events, and 3 more like it"),
    ],
)
def test_what_breaks_the_contract_fails_with_a_reason(
    spoil: Callable[[Draws], Draws], words: str
) -> None:
    found = certificate(Shows(spoil=spoil), 4)
    assert found.verdict == FAILED
    assert any(words in finding for finding in found.findings), found.findings


def test_the_same_seed_finds_the_same_in_any_number_of_processes() -> None:
    alone = list(replicates(Toy(), simulate, 8, seed=3))
    assert list(replicates(Toy(), simulate, 8, seed=3, workers=2)) == alone
    assert alone[5] == replicate(Toy(), simulate, 3, 5)
    assert alone[0] != replicate(Toy(), simulate, 4, 0)
