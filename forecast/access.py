"""Who may use the API, and what was asked through it."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

PREFIX = "tocsin_"
_SECRET_BYTES = 32
_KEY_DIGITS = 40


class Scope(StrEnum):
    """What a token may do: each may all that those before it may.

    READ reads; WRITE states facts and asks for what a desk does every day; ADMIN changes what
    is believed and what runs, and sees who has tokens.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, other: "Scope") -> bool:
        """Whether what needs `other` may be done with this.

        >>> Scope.ADMIN.covers(Scope.READ), Scope.READ.covers(Scope.WRITE)
        (True, False)
        """
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Token:
    """Leave to use the API; of its secret only the SHA-256 is known.

    The secret has 256 random bits, so that a fast hash without salt is safe: there is nothing
    to guess. `last_used_at` is to the minute.
    """

    token_id: str
    name: str
    scope: Scope
    digest: str
    author: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything at `now`."""
        is_over = self.expires_at is not None and self.expires_at <= now
        return self.revoked_at is None and not is_over


def new_secret() -> str:
    """A secret that nobody can guess, to be shown once."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """What is stored of a secret, and what it is found by: nobody compares secrets, so that how
    long it takes tells nothing.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class RequestStatus(StrEnum):
    """How far a request is: WAITING and RUNNING have no answer yet."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether there is an answer."""
        return self in (RequestStatus.DONE, RequestStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that was asked for and is done by `serve`, and what became of it.

    `begun_at` is when somebody first took it up, and stays where another had to begin again:
    what is done bears that time, so that doing it twice comes to the same. `fence` counts those
    who took it up; only the last of them may say how it ended. `result` is a JSON object,
    `error` {code, message, at}.
    """

    request_id: str
    kind: str
    arguments: dict[str, Any]
    author: str
    asked_at: datetime
    status: RequestStatus = RequestStatus.WAITING
    fence: int = 0
    begun_at: datetime | None = None
    finished_at: datetime | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


def key_of(token: Token, path: str) -> str:
    """What opens one address for whoever has it, in place of a token, for as long as that lives.

    It is for what can send no header: an image in a page, a reader of feeds. It opens nothing
    else, and nobody finds the token's secret from it.
    """
    words = f"key {path}".encode("utf-8", "surrogatepass")
    mark = hmac.new(token.digest.encode(), words, hashlib.sha256).hexdigest()[:_KEY_DIGITS]
    return f"{token.token_id}.{mark}"
