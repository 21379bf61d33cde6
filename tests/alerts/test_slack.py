"""Slack: what it refuses we do not send, and what it answers we understand."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.address import parse_networks
from alerts.api import Endpoint, Reply, Verdict
from alerts.channels.http import post
from alerts.channels.slack import Slack, block_payload, escape, fit, plain_payload, units
from alerts.testing import (
    SLACK_ERRORS,
    Answer,
    Receiver,
    check_channel,
    sample_facts,
    slack_answer,
    slack_complaint,
)
from tests.alerts.any_facts import any_facts

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
URL = "https://hooks.example/services/T/B/CANARY"
SLACK = Slack(Endpoint("desk", URL))
SAMPLES = sample_facts()
LOOPBACK = parse_networks(["127.0.0.0/8"])
ID = "msg_0123456789abcdef0123456789abcdef"

nasty = st.text(st.sampled_from('&<>"界𝄞 !@#*_~`|\n') | st.characters(codec="utf-8"), max_size=100)


def texts_of(payload: dict[str, Any]) -> list[dict[str, str]]:
    blocks = payload["blocks"]
    return [b["text"] for b in blocks if "text" in b] + [
        e for b in blocks for e in b.get("elements", [])
    ]


def test_it_passes_the_conformance_checks() -> None:
    check_channel(SLACK)


@settings(deadline=None)
@given(any_facts)
def test_whatever_the_facts_slack_takes_the_message(facts: dict[str, Any]) -> None:
    for payload in (block_payload(facts, ID), plain_payload(facts)):
        assert slack_complaint(json.loads(json.dumps(payload))) is None


@pytest.mark.parametrize("name", SAMPLES)
def test_slack_takes_every_kind_of_message(name: str) -> None:
    payload = block_payload(SAMPLES[name], ID)
    assert slack_complaint(payload) is None
    assert units(payload["text"]) <= 3000
    assert units(plain_payload(SAMPLES[name])["text"]) <= 1000


def test_words_from_outside_are_never_interpreted() -> None:
    facts = json.loads(json.dumps(SAMPLES["closed"]))
    facts |= {"detail": "MARKER", "severity": "MARKER"}
    facts["subject"]["title"] = facts["contributions"][0]["meaning"] = "MARKER"
    facts["crowd"][0]["source"] = facts["model"]["name"] = facts["rule"]["id"] = "MARKER"
    marked = [t for t in texts_of(block_payload(facts, ID)) if "MARKER" in t["text"]]
    assert len(marked) == 4
    assert {text["type"] for text in marked} == {"plain_text"}


def test_a_group_leaves_words_from_outside_uninterpreted_too() -> None:
    titled = (text for text in texts_of(block_payload(SAMPLES["crowded"], ID)))
    marked = [text for text in titled if "<!channel>" in text["text"]]
    assert marked
    assert {text["type"] for text in marked} == {"plain_text"}
    assert "<!" not in block_payload(SAMPLES["crowded"], ID)["text"]


@pytest.mark.parametrize("name", ["a*b*", "_a_", "~a~", "`a`", ":bell:"])
def test_a_name_in_the_numbers_is_not_read_as_formatting(name: str) -> None:
    facts = SAMPLES["stale"] | {"detail": f"The newest report on {name} came 9 days ago."}
    (text,) = (t for t in texts_of(block_payload(facts, ID)) if name in t["text"])
    assert text["type"] == "plain_text"
    assert block_payload(SAMPLES["stale"], ID)["blocks"][1]["text"]["type"] == "mrkdwn"


@given(title=st.text(st.sampled_from("<!channel>@here&; "), min_size=1, max_size=40))
def test_no_title_can_ring_everybody(title: str) -> None:
    facts = json.loads(json.dumps(SAMPLES["firing"]))
    facts["subject"]["title"] = facts["question"]["title"] = title
    payload = block_payload(facts, ID)
    for words in (payload["text"], plain_payload(facts)["text"]):
        assert "<" not in words
        assert ">" not in words
    assert payload["blocks"][0]["text"]["type"] == "plain_text"


@given(text=nasty, limit=st.integers(1, 300))
def test_what_is_cut_fits_and_breaks_no_character(text: str, limit: int) -> None:
    short = fit(text, limit)
    assert units(escape(short)) <= limit
    assert short == text or short[:-1] == text[: len(short) - 1]
    assert (short == text) == (units(escape(text)) <= limit)


def test_a_message_says_first_what_then_how_likely_then_why_then_when() -> None:
    payload = block_payload(SAMPLES["firing"], ID)
    assert [b["type"] for b in payload["blocks"]] == [
        "header",
        "section",
        "section",
        "section",
        "context",
    ]
    words = [text["text"] for text in texts_of(payload)]
    assert words[:4] == [
        "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)?",
        "*43 % (30–56 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day before; "
        "alert line 40 %.*",
        "Up mainly because of new evidence. Weighing most: carrier group in the region "
        "(×1.9, 2 incidents). Others say: Metaculus 52 %.",
        "By 25 Dec 2025 (38 days left). · "
        "<https://tocsin.example/questions/us-strike?a=1&amp;b=2|Open the forecast>",
    ]
    assert words[-1] == "id 89abcdef", "so that a person sees that two messages are one"


def test_a_link_that_would_end_early_is_left_out() -> None:
    for link in ("https://x.example/|<!channel>", "https://x.example/a b", "h" * 3000):
        facts = dict(SAMPLES["firing"]) | {"link": link}
        assert "Open the forecast" not in json.dumps(block_payload(facts, ID)["blocks"])


def test_the_plain_form_has_nothing_but_a_text() -> None:
    payload = json.loads(SLACK.request(SAMPLES["nasty"], ID, NOW, plain=True).body)
    assert list(payload) == ["text"]
    assert units(payload["text"]) <= 1000


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"ok", Verdict.DELIVERED),
        (200, b" ok\n", Verdict.DELIVERED),
        (200, b"okay", Verdict.RETRY),
        (200, b"", Verdict.RETRY),
        (200, b"<html>captive portal</html>", Verdict.RETRY),
        (200, b"invalid_blocks", Verdict.SIMPLIFY),
        (201, b"ok", Verdict.RETRY),
        (302, b"ok", Verdict.RETRY),
        (400, b"invalid_payload", Verdict.SIMPLIFY),
        (400, b"invalid_blocks", Verdict.SIMPLIFY),
        (400, b"invalid_blocks_format", Verdict.SIMPLIFY),
        (400, b"msg_blocks_too_long", Verdict.SIMPLIFY),
        (400, b"user_not_found", Verdict.GONE),
        (400, b"invalid_attachments", Verdict.SIMPLIFY),
        (400, b"no_text", Verdict.SIMPLIFY),
        (400, b"too_many_attachments", Verdict.SIMPLIFY),
        (400, b"invalid_token", Verdict.GONE),
        (403, b"invalid_token", Verdict.GONE),
        (403, b"action_prohibited", Verdict.GONE),
        (403, b"posting_to_general_channel_denied", Verdict.GONE),
        (404, b"channel_not_found", Verdict.GONE),
        (404, b"no_active_hooks", Verdict.GONE),
        (404, b"no_service", Verdict.GONE),
        (404, b"no_service_id", Verdict.GONE),
        (404, b"no_team", Verdict.GONE),
        (404, b"team_disabled", Verdict.GONE),
        (410, b"channel_is_archived", Verdict.GONE),
        (410, b"", Verdict.GONE),
        (404, b"", Verdict.RETRY),
        (429, b"", Verdict.RETRY),
        (500, b"rollup_error", Verdict.RETRY),
        (503, b"\xff\xfe", Verdict.RETRY),
    ],
)
def test_every_answer_of_slack_has_its_verdict(status: int, body: bytes, verdict: Verdict) -> None:
    assert SLACK.judge(Reply(status, {}, body), NOW).verdict is verdict


def test_a_busy_slack_says_how_long_to_wait() -> None:
    outcome = SLACK.judge(Reply(429, {"retry-after": "30"}, b""), NOW)
    assert (outcome.verdict, outcome.after) == (Verdict.RETRY, timedelta(seconds=30))


def test_neither_channel_nor_request_shows_the_url() -> None:
    assert "CANARY" not in repr(SLACK)
    assert "CANARY" not in repr(SLACK.request(SAMPLES["firing"], ID, NOW))


def test_a_group_shows_every_member_that_has_room_and_counts_the_rest() -> None:
    payload = block_payload(SAMPLES["crowded"], ID)
    lines = [line for b in payload["blocks"][1:-2] for line in b["text"]["text"].split("\n")]
    assert lines[0].startswith("1. FIRING · ")
    assert lines[-1] == f"and {100 - (len(lines) - 1)} more"
    assert payload["text"].endswith(" more")


def test_the_members_of_a_group_are_opened_by_their_numbers() -> None:
    payload = block_payload(SAMPLES["group"], ID)
    lines, links = (payload["blocks"][n]["text"] for n in (1, 2))
    assert lines["text"].split("\n")[0] == (
        "1. FIRING · Any embargo by March? · 71 %, was 38 % · page"
    )
    assert links["type"] == "mrkdwn"
    assert links["text"].startswith(
        "Open <https://tocsin.example/questions/us-strike?a=1&amp;b=2|1> <"
    )


def exchange(receiver: Receiver, *, plain: bool = False) -> tuple[Verdict, str]:
    """One message to a receiver, and what its answer means."""
    slack = Slack(Endpoint("desk", receiver.slack_url))
    request = slack.request(SAMPLES["firing"], ID, NOW, plain=plain)
    reply = post(request.url, request.body, request.headers, LOOPBACK)
    outcome = slack.judge(reply, NOW)
    return outcome.verdict, outcome.reason


def test_row_12_a_200_with_an_error_for_a_body_is_no_success() -> None:
    with Receiver(script=[Answer(200, body=b"invalid_blocks"), Answer(200, body=b"")]) as receiver:
        assert exchange(receiver) == (Verdict.SIMPLIFY, "Slack answered 200 invalid_blocks")
        assert exchange(receiver) == (Verdict.RETRY, "Slack answered 200, but not with 'ok'")


def test_row_13_refused_blocks_are_sent_once_more_as_one_plain_text() -> None:
    with Receiver(script=[slack_answer("invalid_blocks")]) as receiver:
        assert exchange(receiver) == (Verdict.SIMPLIFY, "Slack answered 400 invalid_blocks")
        assert exchange(receiver, plain=True)[0] is Verdict.DELIVERED
    assert [sorted(r.json()) for r in receiver.received] == [
        ["blocks", "text", "unfurl_links", "unfurl_media"],
        ["text"],
    ]


def test_row_14_a_closed_hook_closes_the_channel() -> None:
    with Receiver(script=[slack_answer("no_active_hooks")]) as receiver:
        assert exchange(receiver) == (Verdict.GONE, "Slack answered 404 no_active_hooks")


@pytest.mark.parametrize("word", SLACK_ERRORS)
def test_every_error_of_slack_is_understood_over_the_wire(word: str) -> None:
    with Receiver(script=[slack_answer(word, retry_after=7)]) as receiver:
        verdict, reason = exchange(receiver)
    closes = {"no_", "channel_", "team_", "user_", "action_", "posting_", "invalid_token"}
    if word in ("rate_limited", "rollup_error"):
        assert verdict is Verdict.RETRY
    elif word != "no_text" and word.startswith(tuple(closes)):
        assert (verdict, reason) == (Verdict.GONE, f"Slack answered {SLACK_ERRORS[word]} {word}")
    else:
        assert verdict is Verdict.SIMPLIFY


def test_slack_is_told_one_thing_a_second_and_takes_groups() -> None:
    assert Slack.traits.pace == timedelta(seconds=1)
    assert Slack.traits.is_grouped


def test_row_21_a_title_of_any_kind_is_escaped_cut_and_rings_nobody() -> None:
    with Receiver() as receiver:
        slack = Slack(Endpoint("desk", receiver.slack_url))
        for name, plain in product(("nasty", "crowded"), (False, True)):
            request = slack.request(SAMPLES[name], ID, NOW, plain=plain)
            assert post(request.url, request.body, request.headers, LOOPBACK).body == b"ok"
    for received in receiver.received:
        assert received.problem == ""
        assert "<!channel>" not in received.json()["text"]
        assert "\x00" not in received.body.decode()


@pytest.mark.parametrize("character", ['"', "\\", "\x07", "&", "𝄞", "\n"])
def test_what_json_or_slack_makes_longer_does_not_make_a_message_too_long(character: str) -> None:
    words = character * 600
    known = SAMPLES["group"]["members"][0]
    member = known | {"subject": known["subject"] | {"title": words}}
    alert = SAMPLES["stale"] | {"detail": words * 3, "link": "https://x.example/" + "a" * 1400}
    for facts in (SAMPLES["group"] | {"members": [member] * 100}, alert):
        payload = block_payload(facts, ID)
        assert slack_complaint(json.loads(json.dumps(payload))) is None
