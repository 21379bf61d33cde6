"""The conformance checks that every channel passes."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from alerts.api import Channel, Reply, Traits, Verdict
from alerts.facts import Facts
from alerts.testing.report_samples import sample_reports
from alerts.testing.samples import sample_facts

MOST_BODY_BYTES = 200_000
NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)

# What a status means where it is no status of HTTP: of SMTP (RFC 5321, 4.2.3), and of ours.
_NO_RETRY = (Verdict.DEAD, Verdict.GONE)
_MAIL = {
    **dict.fromkeys((250, 251), (Verdict.DELIVERED,)),
    **dict.fromkeys((421, 450, 451, 452), (Verdict.RETRY,)),
    **dict.fromkeys((550, 553, 554), _NO_RETRY),
}
_STATUSES: dict[str, Mapping[int, tuple[Verdict, ...]]] = {
    "smtp": _MAIL,
    "smtps": _MAIL,
    "atom": {200: (Verdict.DELIVERED,)},
    "log": {200: (Verdict.DELIVERED,)},
}


def check_channel(channel: Channel) -> None:
    """The checks that every channel passes, ours and strangers'; AssertionError says what fails.

    It renders all kinds of messages, nasty ones too, and judges all kinds of replies. Those of
    mail, feed and log are judged by a table of their own.
    """
    traits = getattr(type(channel), "traits", Traits())
    reports = sample_reports() if traits.takes_reports else {}
    schemes = {
        _check_rendering(channel, name, facts, plain=plain)
        for name, facts in (sample_facts() | reports).items()
        for plain in (False, True)
    }
    for scheme in schemes:
        if scheme in _STATUSES:
            _check_statuses(channel, scheme)
        else:
            _check_judging(channel)
    _check_silence(channel)


def _check_rendering(channel: Channel, name: str, facts: Facts, *, plain: bool) -> str:
    """Check one message; the scheme of its address."""
    what = f"the message '{name}'{' in plain form' if plain else ''}"
    untouched = copy.deepcopy(facts)
    first = channel.request(facts, "msg_1", NOW, plain=plain)
    assert facts == untouched, f"{what}: request() changed the facts it was given"
    again = channel.request(facts, "msg_1", NOW, plain=plain)
    assert first == again, f"{what}: the same facts at the same time made another request"
    later = channel.request(facts, "msg_1", NOW + timedelta(hours=5), plain=plain)
    assert first.body == later.body, f"{what}: a retry has another body"
    scheme = first.url.partition(":")[0]
    known = first.url.startswith(("https://", "http://")) or scheme in _STATUSES
    assert known, f"{what}: the URL is no web address, nor one of {', '.join(_STATUSES)}"
    assert first.body, f"{what}: it says nothing"
    assert len(first.body) <= MOST_BODY_BYTES, f"{what}: {len(first.body)} bytes are too many"
    for header, value in first.headers.items():
        assert (header + value).isprintable(), f"{what}: the header {header} is not printable"
    assert first.url not in repr(first), f"{what}: repr() shows the URL"
    return scheme


def _judged(channel: Channel, status: int, body: bytes = b"", **headers: str) -> Verdict:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return channel.judge(Reply(status, names, body), NOW).verdict


def _check_judging(channel: Channel) -> None:
    """The statuses of HTTP."""
    good = [_judged(channel, s, b) for s in (200, 201, 202, 204) for b in (b"", b"ok", b"{}")]
    assert Verdict.DELIVERED in good, "no 2xx reply counts as delivered"
    for status in (301, 302, 307, 308, 400, 401, 403, 404):
        delivered = _judged(channel, status) is Verdict.DELIVERED
        assert not delivered, f"a {status} counts as delivered"
    assert _judged(channel, 410) in _NO_RETRY, "410 (gone) is not the end"
    for status in (429, 500, 502, 503, 504):
        assert _judged(channel, status) is Verdict.RETRY, f"a {status} is not tried again"
    wait = channel.judge(Reply(429, {"retry-after": "120"}), NOW).after
    assert wait == timedelta(seconds=120), "Retry-After of a 429 is not honoured"
    for text in ("-1", "1e9", "soon", "9" * 5000, "", "Thu, 99 Foo 2025"):
        odd = _judged(channel, 429, retry_after=text)
        assert odd is Verdict.RETRY, "an odd Retry-After is no retry"


def _check_statuses(channel: Channel, scheme: str) -> None:
    """The statuses of another scheme."""
    for status, verdicts in _STATUSES[scheme].items():
        said = _judged(channel, status)
        assert said in verdicts, f"{scheme}: a {status} is {said}, not {' or '.join(verdicts)}"


def _check_silence(channel: Channel) -> None:
    """No reason may quote what the receiver said."""
    for status in (200, 250, 404, 500, 550):
        reason = channel.judge(Reply(status, {}, b"echo: CANARY"), NOW).reason
        assert "CANARY" not in reason, "the reason quotes a reply, which may echo the URL"
