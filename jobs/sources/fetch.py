"""One request of a source, through the guarded client: what its reply means for us."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from alerts.address import parse_networks
from alerts.api import Reply
from alerts.channels import http
from alerts.retry import retry_after
from forecast.errors import OutsideError
from forecast.source import SourceState
from jobs.sources.api import Request
from jobs.sources.registry import Opened

DEADLINE_SECONDS = 30.0
_BUSY = (429, 503)
_SAYS = {
    401: "the source does not take the key",
    403: "the source refuses us; is the key right?",
    404: "there is nothing at the URL",
    407: "a proxy stands in between",
    410: "the source says that it is gone",
    429: "the source asks us to come less often",
    503: "the source is busy",
}

type Fetch = Callable[[Opened, Request, Mapping[str, str]], Reply]


class RefusedError(OutsideError):
    """The source answered, and not with what was asked for; `after` is the wait it asks for."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


def fetch(opened: Opened, request: Request, conditions: Mapping[str, str]) -> Reply:
    """The reply; ConfigError for an address that may not be dialled, OutsideError without one."""
    return http.get(
        request.url,
        {**request.headers, **conditions, **opened.headers},
        opened.table.most_bytes,
        parse_networks(opened.table.allow),
        DEADLINE_SECONDS,
    )


def conditions_of(opened: Opened, request: Request, state: SourceState) -> dict[str, str]:
    """Header fields by which a source need not send again what we have.

    They hold for the URL that they came from, so only where that is always the same.
    """
    if request.url != opened.url:
        return {}
    told = {"if-none-match": state.etag, "if-modified-since": state.modified}
    return {name: text for name, text in told.items() if text}


def is_unchanged(reply: Reply) -> bool:
    """Whether there is nothing new to read."""
    return reply.status in (204, 304)


def check_reply(reply: Reply, now: datetime) -> None:
    """RefusedError, in words that quote nothing of it, where it is not what was asked for."""
    if reply.status == 200:
        return
    words = _SAYS.get(reply.status, "the source answered")
    after = retry_after(reply.headers, now) if reply.status in _BUSY else None
    raise RefusedError(f"{words} ({reply.status})", after)


def marks_of(reply: Reply) -> tuple[str, str]:
    """ETag and Last-Modified, where they can be sent back."""
    return _mark(reply, "etag"), _mark(reply, "last-modified")


def _mark(reply: Reply, name: str) -> str:
    text = reply.headers.get(name, "")
    return text if text.isascii() and text.isprintable() and len(text) <= 1000 else ""
