"""The dead man's switch: a call to somebody else while all is well, who notices its absence.

Whoever watches from outside (Healthchecks, an Uptime Kuma push monitor, another Tocsin's
neighbour) alarms when no call came for longer than it was told to expect.

    https://healthchecks.io/docs/http_api/
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.address import Network, parse_networks
from alerts.api import Reply
from alerts.channels import http
from forecast import alert_tables
from forecast.clock import format_instant
from forecast.errors import TocsinError
from forecast.watch import resolve_reference
from forecast.words import parse_days

DEADLINE_SECONDS = 10.0
SOON = timedelta(seconds=30)  # after a call that was not taken; sooner where calls are frequent

Post = Callable[[str, bytes, Mapping[str, str], Sequence[Network], float], Reply]

_log = logging.getLogger(__name__)


class Heartbeat:
    """One process's calls, by the table `[heartbeat]` of watch.toml; None makes none."""

    def __init__(self, table: alert_tables.Heartbeat | None, post: Post = http.post) -> None:
        self._table, self._post = table, post
        self._called_at: datetime | None = None
        self._pause = timedelta(0)
        self._trouble = ""

    def beat(self, now: datetime, is_well: bool) -> None:
        """Call, if all is well and it is time; what goes wrong is a line in the log, once.

        Takes up to ten seconds where the receiver is slow.
        """
        if self._table is None or not is_well or not self._is_time(now):
            return
        trouble = self._call(self._table, now)
        every = timedelta(days=parse_days(self._table.every))
        self._called_at, self._pause = now, min(every / 4, SOON) if trouble else every
        if trouble and trouble != self._trouble:
            _log.warning("heartbeat: %s", trouble)
        elif self._trouble and not trouble:
            _log.info("heartbeat: works again")
        self._trouble = trouble

    def _is_time(self, now: datetime) -> bool:
        """A clock that was set back must not silence it."""
        if self._called_at is None:
            return True
        return not timedelta(0) <= now - self._called_at < self._pause

    def _call(self, table: alert_tables.Heartbeat, now: datetime) -> str:
        """What went wrong, in words without the URL; "" where nothing did."""
        body = json.dumps({"schema": 1, "kind": "heartbeat", "at": format_instant(now)}).encode()
        headers = {"content-type": "application/json"}
        try:
            url = resolve_reference(table.url, "heartbeat.url")
            networks = parse_networks(table.allow)
            reply = self._post(url, body, headers, networks, DEADLINE_SECONDS)
        except TocsinError as error:
            return error.message
        except Exception as error:  # noqa: BLE001 - it must not stop what it watches over
            return f"defect: {type(error).__name__}"
        return "" if 200 <= reply.status < 300 else f"the receiver answered {reply.status}"
