"""The memory of Tocsin: one `Store` on SQLite or PostgreSQL. All SQL is in this folder."""

from forecast.store.alerts import Alerts
from forecast.store.answers import ModelState
from forecast.store.checks import Check
from forecast.store.facts import Added
from forecast.store.ledger import Part, Share
from forecast.store.notices import Told
from forecast.store.outbox import Attempt
from forecast.store.quarantine import BadRow
from forecast.store.rule_states import StateChange
from forecast.store.runs import Run, RunClaim
from forecast.store.store import Store, open_store

__all__ = [
    "Added",
    "Alerts",
    "Attempt",
    "BadRow",
    "Check",
    "ModelState",
    "Part",
    "Run",
    "RunClaim",
    "Share",
    "StateChange",
    "Store",
    "Told",
    "open_store",
]
