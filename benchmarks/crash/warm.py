"""Imported once by the process that workers are forked from: all that a first update loads."""

from datetime import timedelta
from pathlib import Path

from benchmarks.crash.world import EPOCH, configuration, questions, scripted
from forecast.store import open_store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.decisions import Occasion
from jobs.ringing import ring
from jobs.update import update_questions

with open_store("sqlite://") as _store:
    _app = App(Watch(Path(), parse_config(configuration(Path()))), _store)
    _store.add_questions(questions(), EPOCH)
    _later = EPOCH + timedelta(minutes=1)
    update_questions(
        _app,
        _store.questions(),
        _later,
        Occasion(_later),
        lambda _, works: map(scripted, works),
    )
    ring(_app, _later)
