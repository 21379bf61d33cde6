"""What an audit asks of a family: its posterior sampled by NUTS, whatever the fast rungs say."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from forecast.errors import HeldError
from models.api import Task

if TYPE_CHECKING:
    from models.engine.ladder import Chances
    from models.engine.problem import Problem


@dataclass(frozen=True, slots=True)
class Sampled:
    """Answers of NUTS: probability and Monte Carlo standard error by question id.

    `reason` says in words why they may not be trusted, empty where they may.
    """

    answers: dict[str, tuple[float, float]]
    reason: str = ""
    diagnostics: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class Auditable(Protocol):
    """A family whose posterior NUTS can sample; pure, as `update` is."""

    def sampled(self, task: Task) -> Sampled:
        """P of every question of the task, by NUTS on the rows of the task alone."""
        ...


def by_nuts(problem: "Problem", chances: "Chances") -> Sampled:
    """The answers of rung R2 to a problem; `chances` as for the ladder's climb."""
    from models.engine.ladder import sample
    from models.engine.nuts import mcse

    if problem.nuts_job is None:
        return Sampled({}, "the family leaves NUTS out")
    try:
        rung = sample(problem, chances)
    except HeldError as error:
        return Sampled({}, error.message)
    chains = problem.nuts_job().chains
    return Sampled(
        {
            name: (float(by_draw.mean()), mcse(by_draw.reshape(chains, -1)))
            for name, by_draw in chances(rung).items()
        },
        rung.gate.reason,
        rung.diagnostics,
    )
