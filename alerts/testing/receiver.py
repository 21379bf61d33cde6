"""A real receiver on loopback."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from alerts import message
from alerts.signing import parse_secrets, verify
from alerts.testing.exchange import Answer, Received, Service
from alerts.testing.slack import SLACK_ERRORS, slack_answer, slack_complaint
from forecast.clock import Clock, utc_now
from forecast.errors import InputError

__all__ = ["Answer", "Received", "Receiver", "Service"]

ENDLESS_CHUNK = b"x" * 65_536


class Receiver:
    """An HTTP server on loopback that takes alerts as Slack and as a webhook's owner would.

    `/slack` refuses what Slack refuses, in Slack's words; `/webhook` checks the signature
    with `secret` at the time of `clock`; `services` answer on other paths, by their beginnings.
    `script` holds answers for the first requests, in their order, instead of its own.
    `on_message` is called with "slack" or "webhook" and the text of every message accepted.
    """

    def __init__(
        self,
        secret: str = "",
        *,
        script: Iterable[Answer] = (),
        services: Mapping[str, Service] | None = None,
        on_message: Callable[[str, str], None] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._secrets = parse_secrets(secret, "secret") if secret else ()
        self._script = list(script)
        self._services = dict(services or {})
        self._on_message = on_message
        self._clock = clock
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._bytes_sent = 0
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        # Short poll, so that leaving the context takes no half second.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str) -> str:
        """The address of a path of this server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    @property
    def slack_url(self) -> str:
        """Where Slack messages go."""
        return self.url("/slack")

    @property
    def webhook_url(self) -> str:
        """Where signed webhooks go."""
        return self.url("/webhook")

    @property
    def received(self) -> tuple[Received, ...]:
        """Every request so far."""
        with self._lock:
            return tuple(self._received)

    @property
    def bytes_sent(self) -> int:
        """How much of endless bodies went out."""
        with self._lock:
            return self._bytes_sent

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Record a request and say how it is answered."""
        place = urlsplit(path).path
        text, problem = self._read(place, headers, body)
        received = Received(path, headers, body, problem)
        with self._lock:
            self._received.append(received)
            scripted = self._script.pop(0) if self._script else None
        answer = scripted or self._answer(place, received)
        if self._on_message and not problem and answer.status < 300 and not answer.hang:
            self._on_message(place.strip("/"), text)
        return answer

    def _answer(self, place: str, received: Received) -> Answer:
        for beginning, service in self._services.items():
            if place.startswith(beginning):
                return service(received)
        return _own_answer(place, received.problem)

    def stream(self, answer: Answer, write: Callable[[bytes], object]) -> None:
        """Write a slow or endless body, until the reader has gone or the receiver closes."""
        chunks = _repeat(ENDLESS_CHUNK) if answer.endless else (bytes([b]) for b in answer.body)
        for chunk in chunks:
            write(chunk)
            with self._lock:
                self._bytes_sent += len(chunk)
            if self._closing.wait(answer.drip_seconds):
                return

    def wait_for_close(self) -> None:
        """Return when the receiver closes."""
        self._closing.wait()

    def _read(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
        """The text of a message, and why it is refused or ""."""
        try:
            if path == "/webhook" and self._secrets:
                verify(self._secrets, headers, body, self._clock())
            payload = json.loads(body)
            if path == "/slack":
                return str(payload.get("text", "")), slack_complaint(payload) or ""
            return message.text(payload["data"]) if path == "/webhook" else "", ""
        except InputError as error:
            return "", error.message
        except (ValueError, KeyError, TypeError, AttributeError):
            return "", "invalid_payload"


def _own_answer(path: str, problem: str) -> Answer:
    if path == "/slack" and problem in SLACK_ERRORS:
        return slack_answer(problem)
    if problem and path in ("/slack", "/webhook"):
        unsigned = path == "/webhook" and problem != "invalid_payload"
        return Answer(401 if unsigned else 400, body=problem.encode())
    return Answer() if path in ("/slack", "/webhook") else Answer(404, body=b"no such path")


def _repeat(chunk: bytes) -> Iterable[bytes]:
    while True:
        yield chunk


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # the sender broke off: it is no request
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(self.path, headers, body)
            if answer.hang:
                receiver.wait_for_close()
                return
            try:
                self._answer(answer)
            except ConnectionError:  # the reader had enough, as it may
                self.close_connection = True

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = 10 * 2**30 if answer.endless else len(answer.body)
            self.send_header("content-length", str(length))
            self.end_headers()
            if answer.endless or answer.drip_seconds:
                receiver.stream(answer, self.wfile.write)
            else:
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
