"""From an alert decided to the alert received: the service as it ticks, a receiver on loopback."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from alerts.testing import Receiver
from benchmarks.crash.world import SECRET, scripted
from benchmarks.rows import Row
from benchmarks.timing import say
from forecast.clock import utc_now
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.scheduler import tick_until
from jobs.serve import Service
from jobs.update import update_questions

ALERTS = 100
PATIENCE = 30.0

WATCH = """
[watch]
title = "One alert after the other"

[definitions.event]
model = "base-rate"
base_rate = "5%..20% per quarter"

[[rules]]
id = "any"
fire_at = "10%"
dwell = 1

[[channels]]
id = "desk"
kind = "webhook"
url = "file:{folder}/url"
secret = "file:{folder}/secret"
allow = ["127.0.0.0/8"]
grouped = false

[[subscriptions]]
channel = "desk"
"""


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds from the commit of a decision to the whole message at its receiver."""
    say(f"{ALERTS} alerts, one after the other, through the ticks of the service")
    took = sorted(_rung())
    yield Row("alert decided to received, median", float(np.quantile(took, 0.5)), "s")
    yield Row("alert decided to received, p99", float(np.quantile(took, 0.99)), "s", at_most=1.0)


def _rung() -> list[float]:
    arrivals: list[float] = []
    came = threading.Event()

    def note(_path: str, _text: str) -> None:
        arrivals.append(time.perf_counter())
        came.set()

    with TemporaryDirectory() as name, Receiver(SECRET, on_message=note) as receiver:
        folder = Path(name)
        (folder / "watch.toml").write_text(WATCH.format(folder=folder))
        (folder / "url").write_text(receiver.webhook_url)
        (folder / "secret").write_text(SECRET)
        with open_app(folder) as app:
            service = Service(app, utc_now)
            ticks = (service.stop, service.ring, service.send)
            thread = threading.Thread(target=tick_until, args=ticks)
            thread.start()
            try:
                return [_one(app, number, came, arrivals) for number in range(ALERTS)]
            finally:
                service.stop.set()
                thread.join()


def _one(app: App, number: int, came: threading.Event, arrivals: list[float]) -> float:
    """Seconds that one alert took, decided at a random moment between two ticks."""
    time.sleep(random.Random(number).uniform(0.0, 0.5))
    now = utc_now()
    question = Question(
        f"q{number}", "Will it?", f"u{number}", "event", now, now + timedelta(days=90)
    )
    app.store.add_questions([question], now)
    came.clear()
    update_questions(app, [question], now, Occasion(now), lambda _, works: map(scripted, works))
    decided = time.perf_counter()
    if not came.wait(PATIENCE):
        raise TimeoutError(f"the alert on q{number} did not come in {PATIENCE:g} s")
    return arrivals[-1] - decided
