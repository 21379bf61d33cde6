"""A desk whose API is asked in this process: an application over a store, and who may ask."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from forecast.access import Scope, Token, digest_of, new_secret
from forecast.clock import format_instant
from forecast.config import Config
from forecast.question import Question
from forecast.reports.view import QuestionReport
from forecast.store import Store
from forecast.watch import Watch, parse_config
from forecast.web import create_app
from forecast.web.desk import Certified
from jobs.app import App
from jobs.reporting import question_report
from jobs.web import words_of

NOW = datetime(2025, 11, 20, 12, tzinfo=UTC)
API = "/api/v1"
WATCH = """
[watch]
title = "Harbour desk"

[units.harbour]
title = "The harbour"

[indicators."union.ballot"]
meaning = "a ballot on a strike"
effect = "1.5x..4x, 90% sure"
half_life = "30 days"

[definitions.strike]
model = "base-rate"
base_rate = "30%..60% per quarter, 90% sure"

[[rules]]
id = "likely"
questions = ["*"]
fire_at = "50%"

[[channels]]
id = "desk"
kind = "log"

[[subscriptions]]
channel = "desk"

[[schedules]]
id = "daily"
cron = "0 5 * * *"

[[sources]]
id = "pusher"
kind = "push"

[web]
allowed_hosts = ["testserver"]
per_minute = 1000000
burst = 1000000
"""
CERTIFIED = (
    Certified("base-rate", "passed", "passed", "2025-11-01", 14, 1000),
    Certified("hazard", "stale", "passed", "2025-11-01", 48, 1000),
)
QUESTION: dict[str, Any] = {
    "question_id": "strike-by-christmas",
    "title": "A strike at the harbour by Christmas?",
    "unit": "harbour",
    "definition": "strike",
    "opens_at": "2025-11-01T00:00:00Z",
    "deadline": "2025-12-25T00:00:00Z",
    "resolution_criteria": "Yes if the port says so, as reported by the port by 23:59 UTC.",
}


def config_of(text: str = "") -> Config:
    """The configuration of the desk; `text` goes on after its table [web]."""
    return parse_config(WATCH + text)


def a_question(**changes: Any) -> Question:
    told: dict[str, Any] = QUESTION | changes
    for name in ("opens_at", "deadline"):
        told[name] = datetime.fromisoformat(told[name])
    return Question(**told)


@dataclass
class ApiDesk:
    """An application, and a client of it that bears a token of each scope."""

    store: Store
    config: Config = field(default_factory=config_of)
    now: datetime = NOW
    pulse: Callable[[], float | None] = lambda: None
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for scope in Scope:
            self.secrets[scope.value] = self.token(scope.value, scope)
        self.app: FastAPI = create_app(
            *(self.store, lambda: self.config, self._report),
            clock=lambda: self.now,
            pulse=self.pulse,
            words=words_of,
            certified=lambda: CERTIFIED,
        )

    def _report(self, question: Question, now: datetime) -> QuestionReport:
        return question_report(App(Watch(Path(), self.config), self.store), question, now)

    def token(self, name: str, scope: Scope, expires_at: datetime | None = None) -> str:
        """The secret of a new token."""
        secret = new_secret()
        self.store.access.add_token(
            Token(f"tok-{name}", name, scope, digest_of(secret), "ann", self.now, expires_at)
        )
        return secret

    def ask(
        self,
        method: str,
        path: str,
        *,
        by: str | None = "admin",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request; `by` is a scope, a secret, or None for nobody."""
        told = dict(headers or {})
        if by is not None:
            told.setdefault("Authorization", f"Bearer {self.secrets.get(by, by)}")
        return asyncio.run(self._ask(method, path, headers=told, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET below /api/v1, by somebody who may only read."""
        return self.ask("GET", f"{API}{path}", **({"by": "read"} | more))

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """POST of JSON below /api/v1, by somebody who may write."""
        return self.ask("POST", f"{API}{path}", **({"by": "write", "json": body} | more))


def a_report(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of a report, as it is pushed."""
    return {
        "report_id": f"r{number}",
        "unit": "harbour",
        "tag": "union.ballot",
        "occurred_at": format_instant(NOW),
        "source": "Port Gazette",
    } | changes


def lines(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "\n".join(json.dumps(row) for row in rows).encode()
