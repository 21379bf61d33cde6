"""How backtests are asked for: what is wrong with it is told before anything heavy is loaded."""

from dataclasses import dataclass
from datetime import datetime

from forecast.publishing import BY_DEFAULT, PublishRule
from forecast.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """How tasks are run: when, with which seed, and whether leaks are looked for.

    Results are kept in `store`, and so are the blocks of a walk that was broken off: it goes on
    with them, unless `fresh`. `rule` is what must be beaten to be published.
    """

    made_at: datetime
    seed: int
    check_leaks: bool = True
    store: Store | None = None
    fresh: bool = False
    rule: PublishRule = BY_DEFAULT
