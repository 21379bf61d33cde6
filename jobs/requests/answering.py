"""The queue of requests: taken up one by one, under a lease, and answered once."""

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from forecast.access import Request
from forecast.clock import Clock
from forecast.errors import StoreError, TocsinError
from forecast.requests import kind_of, read_arguments
from jobs.app import App
from jobs.log import bound
from jobs.requests import alerting, asked_questions, believing, evidence, running
from jobs.requests.act import Act, Result

LEASE = timedelta(minutes=15)
SLOW = frozenset({"update", "run_schedule", "pull_source"})  # minutes, where there is much
_log = logging.getLogger(__name__)

DOES: Mapping[str, Callable[[App, Any, Act], Result]] = MappingProxyType(
    {
        "resolve": asked_questions.resolve,
        "reopen": asked_questions.reopen,
        "open_question": asked_questions.open_one,
        "update": running.update,
        "acknowledge": alerting.acknowledge,
        "silence": alerting.silence,
        "end_silence": alerting.end_silence,
        "replay": alerting.replay,
        "enable_channel": alerting.enable_channel,
        "set_prior": believing.set_prior,
        "join_incidents": evidence.join,
        "split_incidents": evidence.split,
        "pause_schedule": running.pause_schedule,
        "resume_schedule": running.resume_schedule,
        "run_schedule": running.run_schedule,
        "pull_source": running.pull_source,
        "pause_source": running.pause_source,
        "resume_source": running.resume_source,
        "confirm_candidate": evidence.confirm,
        "edit_candidate": evidence.edit,
        "reject_candidate": evidence.reject,
    }
)
QUICK = frozenset(DOES) - SLOW


def answer_due(
    app: App,
    clock: Clock,
    owner: str,
    *,
    kinds: Collection[str] | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Do what waits, of some kinds or all, oldest first; how many were done.

    Whatever one fails with is its answer, and stops no other; StoreError where the store itself
    fails, which leaves it to whoever comes next.
    """
    done = 0
    while not is_stopping():
        held = app.store.access.claim_request(clock(), owner, LEASE, kinds)
        if held is None:
            break
        with bound(request=held.request_id):
            _answer(app, held, clock, owner)
        done += 1
    return done


def _answer(app: App, held: Request, clock: Clock, owner: str) -> None:
    result, error = None, None
    try:
        result = _do(app, held, clock, owner)
    except StoreError:
        raise
    except TocsinError as wrong:
        error = {"code": wrong.code, "message": wrong.message, "at": wrong.at}
    except Exception as defect:  # noqa: BLE001 - one request must not stop the others
        words = " ".join(f"{type(defect).__name__}: {defect}".split())
        error = {"code": "internal", "message": f"{words} (a defect of ours)", "at": None}
    if error is None:
        _log.info("request %s: %s by %s is done", held.request_id, held.kind, held.author)
    else:
        said = (held.request_id, held.kind, held.author, error["message"])
        _log.warning("request %s: %s by %s: %s", *said)
    if not app.store.access.finish_request(held, clock(), result=result, error=error):
        _log.warning("request %s was taken over by another process", held.request_id)


def _do(app: App, held: Request, clock: Clock, owner: str) -> Result:
    arguments = read_arguments(kind_of(held.kind), held.arguments)
    assert held.begun_at is not None
    act = Act(held.author, held.begun_at, held.fence > 1, owner, clock)
    return DOES[held.kind](app, arguments, act)
