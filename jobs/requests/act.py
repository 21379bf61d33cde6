"""Who wants something done, and as of when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecast.clock import Clock

type Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """One request being done.

    `now` is when it was first begun, and is the same where it is done again: `again` says that
    somebody may have done it, or half of it, and died before saying so. `clock` says what time
    it really is.
    """

    author: str
    now: datetime
    again: bool
    owner: str
    clock: Clock
