"""The receiver and the checks that strangers run: they must fail what is wrong."""

import http.client
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from alerts.address import parse_networks
from alerts.api import Channel, Endpoint, Outcome, Reply, Request, Verdict
from alerts.channels.http import post
from alerts.channels.slack import block_payload
from alerts.channels.webhook import Webhook
from alerts.signing import parse_secrets, sign
from alerts.testing import (
    SLACK_ERRORS,
    Answer,
    Receiver,
    check_channel,
    sample_facts,
    slack_answer,
    slack_complaint,
)
from forecast.clock import utc_now

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = parse_networks(["127.0.0.0/8"])
GOOD = block_payload(sample_facts()["firing"], "msg_12345678")


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def context(*texts: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}


def fields(*texts: str) -> dict[str, Any]:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": text} for text in texts]}


def blocks(*several: dict[str, Any]) -> dict[str, Any]:
    return {"text": "x", "blocks": list(several)}


DIVIDER = {"type": "divider"}


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (GOOD, None),
        ({"text": "x"}, None),
        ({"blocks": [DIVIDER]}, "no_text"),
        ({"text": " "}, "no_text"),
        ({"text": 7}, "no_text"),
        ({"text": "x" * 40_000}, None),
        ({"text": "x" * 40_001}, "invalid_payload"),
        ({"text": "a &lt; b &amp; <https://x.example/?a|1>"}, None),
        ({"text": "<!channel>"}, "invalid_payload"),
        ({"text": "<@U123>"}, "invalid_payload"),
        ({"text": "R&D"}, "invalid_payload"),
        ({"text": "<javascript:x|1>"}, "invalid_payload"),
        (blocks(section("<!here>")), "invalid_blocks"),
        (blocks(section("<!here>", "plain_text")), None),
        (blocks(context("a > b")), "invalid_blocks"),
        (blocks(fields("x" * 2000)), None),
        (blocks(fields("x" * 2001)), "invalid_blocks"),
        (blocks(fields(*"0123456789")), None),
        (blocks(fields(*"0123456789a")), "invalid_blocks"),
        (blocks(fields()), "invalid_blocks"),
        (blocks(section("x") | fields("y")), None),
        (blocks({"type": "section"}), "invalid_blocks"),
        (blocks(section("")), "invalid_blocks"),
        (blocks(DIVIDER | {"block_id": "x" * 255}), None),
        (blocks(DIVIDER | {"block_id": "x" * 256}), "invalid_blocks"),
        (blocks(DIVIDER | {"block_id": ""}), "invalid_blocks"),
        (blocks(*[DIVIDER | {"block_id": "x"}] * 2), "invalid_blocks"),
        (blocks(*[section("x" * 2600)] * 4), None),
        (blocks(*[section("x" * 2700)] * 4), "msg_blocks_too_long"),
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "blocks": [header("x" * 150)]}, None),
        ({"text": "x", "blocks": [header("x" * 151)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [header("𝄞" * 76)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [header("")]}, "invalid_blocks"),
        (
            {"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": [section("x" * 3000)]}, None),
        ({"text": "x", "blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x", "html")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [context(*"0123456789")]}, None),
        ({"text": "x", "blocks": [context(*"0123456789a")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [context()]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x")] * 50}, None),
        ({"text": "x", "blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
    ],
)
def test_slack_refuses_what_is_past_a_limit(payload: dict[str, Any], complaint: str | None) -> None:
    assert slack_complaint(payload) == complaint


def test_the_slack_door_answers_in_slacks_words() -> None:
    with Receiver() as receiver:
        replies = [
            post(receiver.slack_url, body, {}, LOOPBACK)
            for body in (json.dumps(GOOD).encode(), b"{", b"{}", b"[]")
        ]
    assert [(r.status, r.body) for r in replies] == [
        (200, b"ok"),
        (400, b"invalid_payload"),
        (400, b"no_text"),
        (400, b"invalid_payload"),
    ]


@pytest.mark.parametrize("word", SLACK_ERRORS)
def test_a_script_can_say_all_that_slack_says(word: str) -> None:
    with Receiver(script=[slack_answer(word, retry_after=9)]) as receiver:
        reply = post(receiver.slack_url, b'{"text": "x"}', {}, LOOPBACK)
    assert reply.status == SLACK_ERRORS[word]
    if word == "rate_limited":
        assert reply.headers["retry-after"] == "9"
        assert json.loads(reply.body) == {"retry_after": 9, "ok": False, "error": word}
    else:
        assert reply.body == word.encode()


def test_the_webhook_door_checks_the_signature() -> None:
    facts = sample_facts()["firing"]
    with Receiver(SECRET) as receiver:
        good = Webhook(Endpoint("x", receiver.webhook_url, SECRET)).request(
            facts, "msg_1", utc_now()
        )
        assert post(good.url, good.body, good.headers, LOOPBACK).status == 200
        assert post(good.url, good.body + b" ", good.headers, LOOPBACK).status == 401
        assert post(good.url, good.body, {}, LOOPBACK).status == 401
    assert [r.problem for r in receiver.received] == [
        "",
        "no signature matches the body",
        "the header webhook-id is missing",
    ]


def test_a_signed_body_that_is_no_alert_is_refused_and_not_a_crash() -> None:
    body = b'{"data": 1}'
    headers = sign(parse_secrets(SECRET, "secret"), "msg_1", utc_now(), body)
    with Receiver(SECRET) as receiver:
        assert post(receiver.webhook_url, body, headers, LOOPBACK).status == 400


def test_messages_are_told_as_they_come() -> None:
    told: list[tuple[str, str]] = []
    with Receiver(on_message=lambda *message: told.append(message)) as receiver:
        post(receiver.slack_url, json.dumps({"text": "one"}).encode(), {}, LOOPBACK)
        post(receiver.slack_url, b"{}", {}, LOOPBACK)
        request = Webhook(Endpoint("x", receiver.webhook_url, SECRET)).request(
            sample_facts()["firing"], "msg_1", utc_now()
        )
        post(request.url, request.body, request.headers, LOOPBACK)
    assert [kind for kind, _ in told] == ["slack", "webhook"]
    assert told[0][1] == "one"
    assert told[1][1].startswith("FIRING · Any US strike")


def test_a_script_comes_first_and_then_the_receivers_own_answers() -> None:
    with Receiver(script=[Answer(503, {"retry-after": "3"}, b"later")]) as receiver:
        first = post(receiver.slack_url, b'{"text": "x"}', {}, LOOPBACK)
        second = post(receiver.slack_url, b'{"text": "x"}', {}, LOOPBACK)
        third = post(receiver.url("/elsewhere"), b"{}", {}, LOOPBACK)
    assert (first.status, first.headers["retry-after"], first.body) == (503, "3", b"later")
    assert (second.status, third.status) == (200, 404)


def test_a_receiver_that_is_left_lets_go_of_those_that_hang() -> None:
    with Receiver(script=[Answer(hang=True)]) as receiver:
        connection = http.client.HTTPConnection(receiver.url("").removeprefix("http://"))
        connection.request("POST", "/slack", b"{}")
    connection.close()


@dataclass
class Odd:
    """A channel with one thing wrong."""

    good: Channel
    request_as: Callable[[Request, Mapping[str, Any], datetime], Request] | None = None
    judge_as: Callable[[Reply, Outcome], Outcome] | None = None

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        request = self.good.request(facts, delivery_id, now, plain=plain)
        return self.request_as(request, facts, now) if self.request_as else request

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        outcome = self.good.judge(reply, now)
        return self.judge_as(reply, outcome) if self.judge_as else outcome


GOOD_CHANNEL = Webhook(Endpoint("x", "https://x.example/", SECRET))


NUMBERS = itertools.count()


def always(verdict: Verdict, *statuses: int) -> Callable[[Reply, Outcome], Outcome]:
    return lambda reply, outcome: Outcome(verdict) if reply.status in statuses else outcome


def test_a_good_channel_passes() -> None:
    check_channel(Odd(GOOD_CHANNEL))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda r, f, now: replace(r, body=r.body + str(now).encode()), "another body"),
        (lambda r, f, now: replace(r, body=str(next(NUMBERS)).encode()), "another request"),
        (lambda r, f, now: f.update(x=1) or r, "changed the facts"),
        (lambda r, f, now: replace(r, url="ftp://x"), "no web address"),
        (lambda r, f, now: replace(r, headers={"x": "a\r\nb"}), "not printable"),
        (lambda r, f, now: replace(r, body=b"x" * 300_000), "too many"),
        (lambda r, f, now: replace(r, body=b""), "says nothing"),
    ],
)
def test_a_channel_that_renders_wrongly_is_told_so(wrong: Any, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_channel(Odd(GOOD_CHANNEL, request_as=wrong))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (always(Verdict.RETRY, 200, 201, 202, 204), "no 2xx"),
        (always(Verdict.DELIVERED, 302), "302 counts as delivered"),
        (always(Verdict.DELIVERED, 404), "404 counts as delivered"),
        (always(Verdict.RETRY, 410), "410"),
        (always(Verdict.DEAD, 429), "429 is not tried again"),
        (always(Verdict.DEAD, 503), "503 is not tried again"),
        (always(Verdict.RETRY, 429), "Retry-After"),
        (lambda reply, outcome: replace(outcome, reason=str(reply.body)), "echo the URL"),
    ],
)
def test_a_channel_that_judges_wrongly_is_told_so(wrong: Any, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_channel(Odd(GOOD_CHANNEL, judge_as=wrong))


def test_410_may_end_the_message_or_the_channel() -> None:
    for verdict in (Verdict.DEAD, Verdict.GONE):
        check_channel(Odd(GOOD_CHANNEL, judge_as=always(verdict, 410)))


MAIL = {250: Verdict.DELIVERED, 251: Verdict.DELIVERED} | {
    **dict.fromkeys((421, 450, 451, 452), Verdict.RETRY),
    **dict.fromkeys((550, 553, 554), Verdict.DEAD),
}


def elsewhere(scheme: str, verdicts: Mapping[int, Verdict]) -> Odd:
    """A channel of another scheme that judges by these."""
    return Odd(
        GOOD_CHANNEL,
        request_as=lambda r, f, now: replace(r, url=f"{scheme}:there"),
        judge_as=lambda reply, _: Outcome(verdicts.get(reply.status, Verdict.RETRY)),
    )


@pytest.mark.parametrize(
    ("scheme", "verdicts"),
    [
        ("smtp", MAIL),
        ("smtps", MAIL),
        ("atom", {200: Verdict.DELIVERED}),
        ("log", {200: Verdict.DELIVERED}),
    ],
)
def test_other_schemes_have_statuses_of_their_own(
    scheme: str, verdicts: dict[int, Verdict]
) -> None:
    check_channel(elsewhere(scheme, verdicts))
    for status in verdicts.keys() & {200, 250, 450, 550}:
        wrong = Verdict.RETRY if verdicts[status] is not Verdict.RETRY else Verdict.DEAD
        with pytest.raises(AssertionError, match=f"{scheme}: a {status} is {wrong}"):
            check_channel(elsewhere(scheme, verdicts | {status: wrong}))
