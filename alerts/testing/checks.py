"""The conformance checks that every channel passes."""

import copy
from datetime import UTC, datetime, timedelta

from alerts.api import Channel, Reply, Verdict
from alerts.facts import Facts
from alerts.testing.samples import sample_facts

MOST_BODY_BYTES = 200_000


def check_channel(channel: Channel) -> None:
    """The checks that every channel passes, ours and strangers'; AssertionError says what fails.

    It renders all kinds of messages, nasty ones too, and judges all kinds of replies.
    """
    now = datetime(2025, 11, 17, 10, tzinfo=UTC)
    for name, facts in sample_facts().items():
        for plain in (False, True):
            _check_rendering(channel, name, facts, now, plain=plain)
    _check_judging(channel, now)


def _check_rendering(
    channel: Channel, name: str, facts: Facts, now: datetime, *, plain: bool
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
