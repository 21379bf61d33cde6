"""Somebody who reads the pages, without a browser: keeps cookies, and fills in forms."""

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from forecast.alert import RuleState, State, Transition
from forecast.estimate import Estimate
from forecast.question import Question
from forecast.store import Store
from tests.forecast import report_samples
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question

_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
FORM = "application/x-www-form-urlencoded"


@dataclass
class Reader:
    """A desk and the cookies of one browser; `page` is what was read last."""

    desk: ApiDesk
    cookies: dict[str, str] = field(default_factory=dict)
    page: str = ""

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET; redirects are not followed."""
        return self._ask("GET", path, **more)

    def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        """POST of a form, as a browser sends it from the page that was read last."""
        mark = _CSRF.search(self.page)
        told = {"csrf": mark[1] if mark else ""} | fields
        sent = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin"} | (headers or {})
        return self._ask("POST", path, headers=sent, content=urlencode(told))

    def sign_in(self, scope: str = "write", to: str = "/") -> httpx.Response:
        """Sign in anew, by the desk's token of a scope or by another secret."""
        self.cookies.clear()
        self.get(f"/sign-in?{urlencode({'next': to})}")
        secret = self.desk.secrets.get(scope, scope)
        found: httpx.Response = self.post("/sign-in", token=secret, next=to)
        return found

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        told = dict(more.pop("headers", {}))
        told.setdefault("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        answer = asyncio.run(self.desk._ask(method, path, headers=told, **more))
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        for line in answer.headers.get_list("set-cookie"):
            if "Max-Age=0" in line:
                self.cookies.pop(line.partition("=")[0], None)
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = answer.text
        return answer


def history_of(question: Question, days: int = 120) -> list[Estimate]:
    """Estimates of every day until now, as the samples of the reports have them."""
    past = report_samples.history()[-days:]
    shift = NOW - past[-1].as_of - timedelta(hours=1)
    return [replace(e, question_id=question.question_id, as_of=e.as_of + shift) for e in past]


def fill(store: Store, others: int = 0) -> Question:
    """A question that fires, with its history, and others that are quiet."""
    question = a_question()
    quiet = [
        a_question(
            question_id=f"quiet/{n}",
            title=f"A quiet thing number {n}?",
            deadline=f"2026-0{1 + n % 8}-15T00:00:00Z",
        )
        for n in range(others)
    ]
    store.add_questions([question, *quiet], NOW - timedelta(days=200))
    past = history_of(question)
    some = [e for one in quiet for e in history_of(one, 20)[:3]]
    at = past[-10].as_of
    state = RuleState("likely", question.question_id, State.FIRING, episode=1, since=at)
    words = "it rose above 50 %"
    p = past[-10].probability
    moved = Transition(
        "likely", question.question_id, at, State.OK, State.FIRING, "above", words, 1, p
    )
    store.record(
        estimates=[*past, *some], states=[(None, state)], transitions=[moved], recorded_at=NOW
    )
    return question
