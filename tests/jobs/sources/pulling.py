"""A desk whose sources are pulled from a server on loopback, at times that a test sets."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.clock import format_instant
from forecast.source import SourceState
from forecast.source_table import SourceTable
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from tests.jobs.sources.feed_server import ALLOW

NOW = datetime(2025, 11, 29, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FAR = NOW + 300 * DAY
WATCH = """
[watch]
title = "The desk"
[units.gulf]
title = "The Gulf"
[indicators.wind]
effect = "1.1x..2x"
half_life = "3 days"
kind = "level"
"""


@dataclass
class Hands:
    """A clock that is moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def rows(*numbers: int, **more: Any) -> bytes:
    times = [format_instant(NOW - timedelta(hours=24 - n)) for n in numbers]
    return json.dumps(
        [
            {"report_id": n, "occurred_at": at, "unit": "gulf", "tag": "wind", "value": n} | more
            for n, at in zip(numbers, times, strict=True)
        ]
    ).encode()


def table(url: str = "", **more: Any) -> SourceTable:
    told = {"id": "s", "kind": "json", "allow": ALLOW, "every": "10 minutes"}
    return SourceTable.model_validate(told | ({"url": url} if url else {}) | more)


def app_of(store: Store, folder: Path, *tables: SourceTable) -> App:
    config = parse_config(WATCH).model_copy(update={"sources": list(tables)})
    return App(Watch(folder, config), store)


def state(app: App, name: str = "s") -> SourceState:
    return app.store.sources.states()[name]


def ids(app: App) -> list[str]:
    return [report.report_id for report in app.store.reports("gulf", FAR)]
