"""A small desk to test with: a watch folder with facts of the last weeks, and the real command."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from forecast.clock import utc_now
from forecast.evidence import Report
from forecast.question import Question
from forecast.store import Store, open_store
from tests.command import TOCSIN, Done, run

SECRET = "whsec_MfKQ9r8GKYqTwjUPD8ILPZIo2LaLjSnC"
PATIENCE = 30.0  # seconds after which something that should come has not come

WATCH = """\
# A desk for tests.

[watch]
title = "Harbour desk"

[units.harbour]
title = "The harbour"

[indicators."union.ballot"]
meaning = "a ballot on a strike"
effect = "1.5x..4x, 90% sure"
half_life = "30 days"

[definitions.strike]  # what we watch
model = "{model}"
base_rate = "30%..60% per quarter, 90% sure"  # as of old
{more}

[definitions.long-strike]
within = "strike"
share = "20%..60%"

[[rules]]
id = "likely"
questions = ["*"]
fire_at = "2%"
clear_at = "1%"
dwell = 1

[[channels]]
id = "desk"
kind = "webhook"
url = "env:DESK_URL"
secret = "env:DESK_SECRET"
allow = ["127.0.0.0/8"]

[[subscriptions]]
channel = "desk"

[[schedules]]
id = "daily"
cron = "0 {hour} * * *"

[updates]
on_news = {news}
"""
HAZARD = 'ceiling = "one in 2..6 weeks"\nindicators = ["union.*"]\n'


@dataclass(frozen=True, slots=True)
class Desk:
    """A watch folder, and the addresses and secrets of its channel."""

    folder: Path
    environment: dict[str, str]

    @property
    def file(self) -> Path:
        return self.folder / "watch.toml"

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder / 'tocsin.db'}")

    def rewrite(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def run(self, *arguments: str, stdin: str = "", process: bool = False) -> Done:
        """The command in this process, or in one of its own."""
        return run(
            *arguments,
            folder=self.folder,
            environment=self.environment,
            stdin=stdin,
            process=process,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process of its own; the caller stops it."""
        return subprocess.Popen(
            [TOCSIN, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )


def make_desk(
    folder: Path,
    *,
    model: str = "base-rate",
    url: str = "http://127.0.0.1:9/",
    news: bool = False,
    **more: str,
) -> Desk:
    """A desk whose schedule was due half a day ago, so that no slot comes while a test runs.

    With `news` its facts update their questions at once, too.
    """
    half_a_day_ago = (utc_now() - timedelta(hours=12)).hour
    words = HAZARD if model == "hazard" else ""
    on_news = str(news).lower()
    text = WATCH.format(model=model, more=words, hour=half_a_day_ago, news=on_news)
    (folder / "watch.toml").write_text(text)
    # PyTensor's flags are set by our own import of the models, in this process
    ours = ("TOCSIN_", "PYTENSOR_FLAGS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {"DESK_URL": url, "DESK_SECRET": SECRET, "TOCSIN_AUTHOR": "ada"}
    environment |= {"TOCSIN_NO_WEB": "1", **more}  # one port of the machine, and many tests
    desk = Desk(folder, environment)
    with desk.store() as store:
        add_facts(store, utc_now())
    return desk


def add_facts(store: Store, now: datetime) -> None:
    """Two open questions, one inside the other, and three reports."""
    ago = now - timedelta(days=40)
    until = now + timedelta(days=60)
    questions = [
        Question("q-strike", "A strike this season?", "harbour", "strike", ago, until),
        Question("q-long", "A long strike this season?", "harbour", "long-strike", ago, until),
    ]
    store.add_questions(questions, ago)
    days = [now - timedelta(days=d) for d in (30, 20, 5)]
    reports = [Report(f"r{at.day}-{at.month}", "harbour", "union.ballot", at, at) for at in days]
    store.add_reports(reports, now)


def wait_for[T](see: Callable[[], T], patience: float = PATIENCE) -> T:
    """The first thing seen that is true; AssertionError after so many seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if seen := see():
            return seen
        time.sleep(0.05)  # a look at a store costs half of that
    raise AssertionError("it did not come")
