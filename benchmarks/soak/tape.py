"""What the harness sees of the store while the service works on it: when each estimate is there.

Read from outside and as it is committed: what a row says of itself is when its update began.
"""

from datetime import datetime, timedelta
from statistics import quantiles

from sqlalchemy import Connection, create_engine, func, select

from forecast.store.alert_schema import delivery
from forecast.store.database import parse_url
from forecast.store.schema import estimate, question

POLL = timedelta(seconds=0.2)


class Tape:
    """Follows the estimates of a store, and times each report until its unit was estimated."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(parse_url(url))
        self._row = 0
        self._units: dict[str, str] = {}
        self._waiting: dict[str, list[tuple[datetime, float]]] = {}
        self.seconds: list[float] = []
        self.estimates = 0
        self.answered: set[str] = set()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def follow(self) -> None:
        """Forget what was estimated so far: from here on it counts."""
        self.estimates = 0
        self.seconds.clear()

    def told(self, unit: str, known_at: datetime, at: float) -> None:
        """A report of a unit was recorded at a moment of the harness's own clock."""
        self._waiting.setdefault(unit, []).append((known_at, at))

    @property
    def waiting(self) -> int:
        """How many reports no estimate has seen yet."""
        return sum(map(len, self._waiting.values()))

    def look(self, now: float) -> None:
        """Take in what was committed since the last look."""
        with self._engine.connect() as connection:
            if not self._units:
                pairs = connection.execute(select(question.c.question_id, question.c.unit))
                self._units = {name: unit for name, unit in pairs}  # noqa: C416 - rows
            self._read(connection, now)

    def _read(self, connection: Connection, now: float) -> None:
        columns = (estimate.c.row_id, estimate.c.question_id, estimate.c.as_of)
        newest: dict[str, datetime] = {}
        for row_id, name, as_of in connection.execute(
            select(*columns).where(estimate.c.row_id > self._row).order_by(estimate.c.row_id)
        ):
            self._row, unit = row_id, self._units[name]
            self.estimates += 1
            self.answered.add(name)
            newest[unit] = max(as_of, newest.get(unit, as_of))
        for unit, as_of in newest.items():
            told = self._waiting.get(unit, [])
            self.seconds += [now - at for known_at, at in told if known_at < as_of]
            self._waiting[unit] = [one for one in told if one[0] >= as_of]

    def deliveries(self) -> list[float]:
        """Seconds from a message made to it received, of all that were delivered."""
        with self._engine.connect() as connection:
            made = select(delivery.c.created_at, delivery.c.delivered_at)
            found = connection.execute(made.where(delivery.c.delivered_at.is_not(None)))
            return [(received - at).total_seconds() for at, received in found]

    def rows(self) -> int:
        """How many estimates there are."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(estimate)) or 0


def at(values: list[float], percent: int) -> float:
    """A percentile; 0 of nothing."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[percent - 1]
