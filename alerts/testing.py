"""For people who write channels or receive alerts: a real receiver, and the conformance checks.

with Receiver(secret="whsec_...") as receiver:
    ...send something to receiver.webhook_url or receiver.slack_url...
    print(receiver.received)

check_channel(MyChannel(Endpoint("mine", "https://example.org/hook")))
"""

import copy
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from alerts import message
from alerts.api import Channel, Reply, Verdict
from alerts.signing import parse_secrets, verify
from forecast.alert import Rule, State, Transition
from forecast.clock import Clock, utc_now
from forecast.errors import InputError
from forecast.estimate import Contribution, Estimate, Health, Interval, Move
from forecast.evidence import CrowdForecast
from forecast.question import Question

ENDLESS_CHUNK = b"x" * 65_536
MOST_BODY_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver is to answer. `hang`: nothing, for ever; `endless`: a body without end;
    `drip_seconds`: the pause after each byte of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hang: bool = False
    endless: bool = False
    drip_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request: header names in lower case, `problem` why it would be refused, or ""."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    problem: str = ""

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Receiver:
    """An HTTP server on loopback that takes alerts as Slack and as a webhook's owner would.

    `/slack` refuses what Slack refuses, in Slack's words; `/webhook` checks the signature
    with `secret` at the time of `clock`. `script` holds answers for the first requests, in
    their order, instead of its own. `on_message` is called with "slack" or "webhook" and the
    text of every message that was accepted.
    """

    def __init__(
        self,
        secret: str = "",
        *,
        script: Iterable[Answer] = (),
        on_message: Callable[[str, str], None] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._secrets = parse_secrets(secret, "secret") if secret else ()
        self._script = list(script)
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
        text, problem = self._read(path, headers, body)
        with self._lock:
            self._received.append(Received(path, headers, body, problem))
            answer = self._script.pop(0) if self._script else _own_answer(path, problem)
        if self._on_message and not problem and answer.status < 300 and not answer.hang:
            self._on_message(path.strip("/"), text)
        return answer

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


def slack_complaint(payload: Mapping[str, Any]) -> str | None:
    """The word with which Slack refuses a message, or None where it takes it.

    https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = payload.get("blocks", [])
    if not payload.get("text") and not blocks:
        return "no_text"
    if len(payload.get("attachments", [])) > 100:
        return "too_many_attachments"
    if len(blocks) > 50 or not all(_is_good_block(block) for block in blocks):
        return "invalid_blocks"
    return None


def _is_good_block(block: Mapping[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "header":
        return _is_good_text(block["text"], ("plain_text",), 150)
    if kind == "section":
        return _is_good_text(block["text"], ("plain_text", "mrkdwn"), 3000)
    if kind == "context":
        elements = block["elements"]
        good = (_is_good_text(e, ("plain_text", "mrkdwn"), 3000) for e in elements)
        return 1 <= len(elements) <= 10 and all(good)
    return kind == "divider"


def _is_good_text(text: Mapping[str, Any], kinds: tuple[str, ...], limit: int) -> bool:
    units = len(text["text"].encode("utf-16-le")) // 2
    if "emoji" in text and text["type"] != "plain_text":
        return False
    return text["type"] in kinds and 1 <= units <= limit


def _own_answer(path: str, problem: str) -> Answer:
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
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
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


def check_channel(channel: Channel) -> None:
    """The checks that every channel passes, ours and strangers'; AssertionError says what fails.

    It renders all kinds of messages, nasty ones too, and judges all kinds of replies.
    """
    now = datetime(2025, 11, 17, 10, tzinfo=UTC)
    for name, facts in sample_facts().items():
        for plain in (False, True):
            _check_rendering(channel, name, facts, now, plain=plain)
    _check_judging(channel, now)


def sample_facts() -> dict[str, message.Facts]:
    """Facts of every kind, by what is special about them."""
    nasty = "<!channel> & \u202eevil\x00\n\ud800\u2028*_~`<http://x|y> &amp; 🏴‍☠️" + "界&<𝄞" * 25_000
    return {
        "firing": _sample("firing", 0.43),
        "resolved": _sample("resolved", 0.31),
        "closed": _sample("resolved", 0.31, reason="question_resolved"),
        "remote": _sample("firing", 0.0004),
        "certain": _sample("firing", 1.0),
        "nasty": _sample("firing", 0.43, title=nasty, meaning=nasty, source=nasty),
        "bare": _sample("firing", 0.43, bare=True),
        "test": message.test_facts("desk", datetime(2025, 11, 17, 9, tzinfo=UTC)),
    }


def _check_rendering(
    channel: Channel, name: str, facts: message.Facts, now: datetime, *, plain: bool
) -> None:
    what = f"the message '{name}'{' in plain form' if plain else ''}"
    untouched = copy.deepcopy(facts)
    first = channel.request(facts, "msg_1", now, plain=plain)
    assert facts == untouched, f"{what}: request() changed the facts it was given"
    again = channel.request(facts, "msg_1", now, plain=plain)
    assert first == again, f"{what}: the same facts at the same time made another request"
    later = channel.request(facts, "msg_1", now + timedelta(hours=5), plain=plain)
    assert first.body == later.body, f"{what}: a retry has another body"
    assert first.url.startswith(("https://", "http://")), f"{what}: the URL is no web address"
    assert len(first.body) <= MOST_BODY_BYTES, f"{what}: {len(first.body)} bytes are too many"
    for header, value in first.headers.items():
        assert (header + value).isprintable(), f"{what}: the header {header} is not printable"
    assert first.url not in repr(first), f"{what}: repr() shows the URL"


def _check_judging(channel: Channel, now: datetime) -> None:
    def verdict(status: int, body: bytes = b"", **headers: str) -> Verdict:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return channel.judge(Reply(status, names, body), now).verdict

    good = [verdict(s, b) for s in (200, 201, 202, 204) for b in (b"", b"ok", b"{}")]
    assert Verdict.DELIVERED in good, "no 2xx reply counts as delivered"
    for status in (301, 302, 307, 308, 400, 401, 403, 404):
        assert verdict(status) is not Verdict.DELIVERED, f"a {status} counts as delivered"
    assert verdict(410) is Verdict.DEAD, "410 (gone) is not the end"
    for status in (429, 500, 502, 503, 504):
        assert verdict(status) is Verdict.RETRY, f"a {status} is not tried again"
    wait = channel.judge(Reply(429, {"retry-after": "120"}), now).after
    assert wait == timedelta(seconds=120), "Retry-After of a 429 is not honoured"
    for text in ("-1", "1e9", "soon", "9" * 5000, "", "Thu, 99 Foo 2025"):
        assert verdict(429, retry_after=text) is Verdict.RETRY, "an odd Retry-After is no retry"
    for status in (200, 404, 500):
        reason = channel.judge(Reply(status, {}, b"echo: CANARY"), now).reason
        assert "CANARY" not in reason, "the reason quotes a reply, which may echo the URL"


def _sample(
    kind: str,
    p: float,
    *,
    title: str = "Any US strike on Venezuelan territory by Christmas (2025-12-25)?",
    meaning: str = "carrier group in the region",
    source: str = "Metaculus",
    reason: str = "threshold_crossed",
    bare: bool = False,
) -> message.Facts:
    now = datetime(2025, 11, 17, 10, tzinfo=UTC)
    question = Question(
        "us-strike", title, "usa-ven", "strike", now, datetime(2025, 12, 25, 23, 59, 59, tzinfo=UTC)
    )
    estimate = _sample_estimate(p, now - timedelta(minutes=1), bare=bare)
    states = (State.PENDING, State.FIRING) if kind == "firing" else (State.RECOVERING, State.OK)
    detail = f"The probability is {100 * p:g} %. {title[:50]}."
    previous = None if bare else 0.38
    transition = Transition(
        "strike-40", "us-strike", now, *states, reason, detail, 7, p, previous, kind
    )
    return message.build_facts(
        question,
        Rule("strike-40", 0.40, 0.35),
        transition,
        estimate,
        "" if bare else "https://tocsin.example/questions/us-strike?a=1&b=2",
        previous_at=now - timedelta(days=1),
        meanings={"carrier": meaning},
        crowd=() if bare else (CrowdForecast("us-strike", now, 0.52, source),),
    )


def _sample_estimate(p: float, as_of: datetime, *, bare: bool) -> Estimate:
    move = Move(0.38, p, evidence=0.2 if p > 0.38 else -0.2)
    return Estimate(
        "us-strike",
        as_of,
        p,
        Interval(p * 0.7, min(p * 1.3, 1.0)),
        0.002,
        Health.HEALTHY,
        "hazard",
        "0123456789abcdef",
        "T1",
        "ab" * 32,
        contributions=() if bare else (Contribution("carrier", 1.9, 1.2, 3.0, ("i1", "i2")),),
        moved=None if bare else move,
    )
