"""The log: each alert is one line of JSON, for what collects a service's log anyway."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from alerts import message
from alerts.address import Network
from alerts.api import Endpoint, Outcome, Reply, Request, Traits, Verdict
from alerts.channels.http import DEADLINE_SECONDS
from forecast.errors import ConfigError, OutsideError

SCHEME = "log"
LOGGER = "tocsin.alerts"
LEVEL = "x-level"
LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "page": logging.CRITICAL}

_TOLD = ("kind", "severity", "at", "subject", "probability", "previous", "rule", "episode")
_TOLD_TOO = ("reason", "cause", "detail", "health", "members", "link")
_OF_REPORTS = ("digest", "counts", "questions", "ended", "silent")

_log = logging.getLogger(LOGGER)


@dataclass(frozen=True, slots=True)
class Log:
    """A channel into the logger `tocsin.alerts`. It has neither a URL nor a secret."""

    traits: ClassVar[Traits] = Traits(is_grouped=False, needs_url=False)
    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The line. It has one form, so `plain` changes nothing."""
        if self.endpoint.options:
            at = f"channels.{self.endpoint.channel}.options"
            raise ConfigError("the log has no options", at=at)
        known = dict(facts)
        line = {"channel": self.endpoint.channel, "id": delivery_id}
        line |= {key: known[key] for key in (*_TOLD, *_TOLD_TOO, *_OF_REPORTS) if key in known}
        line["text"] = message.text(known)
        level = LEVELS.get(known["severity"], logging.WARNING)
        # ASCII: what a title holds must not be able to steer the terminal that shows the log
        body = json.dumps(line, allow_nan=False).encode("ascii")
        return Request(f"{SCHEME}:{LOGGER}", {LEVEL: str(level)}, body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """Written is delivered."""
        return judge_local(reply, "the log")


def judge_local(reply: Reply, where: str) -> Outcome:
    """The outcome of a transport on this machine, which answers 200 or raises."""
    if reply.status == 200:
        return Outcome(Verdict.DELIVERED)
    verdict = Verdict.GONE if reply.status == 410 else Verdict.RETRY
    return Outcome(verdict, f"{where} answered {reply.status}")


def write(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allow: Sequence[Network] = (),
    deadline: float = DEADLINE_SECONDS,
) -> Reply:
    """Write the line at its level; OutsideError where the log is set not to take it.

    A process that has set up no logging gets it on stderr.
    """
    level = int(headers.get(LEVEL, logging.WARNING))
    if _log.level == logging.NOTSET:
        _log.setLevel(logging.INFO)
    if not _log.hasHandlers():
        _log.addHandler(logging.StreamHandler())
    if not _log.isEnabledFor(level):
        words = f"the logger {LOGGER} is set not to take {logging.getLevelName(level)}"
        raise OutsideError(words)
    _log.log(level, "%s", body.decode("ascii", "backslashreplace"))
    return Reply(200)
