"""Slack: what it refuses we do not send, and what it answers we understand."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.api import Endpoint, Reply, Verdict
from alerts.channels.slack import Slack, block_payload, escape, fit, plain_payload, units
from alerts.testing import check_channel, sample_facts, slack_complaint

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
URL = "https://hooks.example/services/T/B/CANARY"
SLACK = Slack(Endpoint("desk", URL))
SAMPLES = sample_facts()
ID = "msg_0123456789abcdef0123456789abcdef"

nasty = st.text(st.sampled_from('&<>"界𝄞 !@#*_~`|\n') | st.characters(codec="utf-8"), max_size=100)
long = st.builds(lambda text, times: text * times, nasty, st.sampled_from([1, 1, 10, 200]))


def texts_of(payload: dict[str, Any]) -> list[dict[str, str]]:
    blocks = payload["blocks"]
    return [b["text"] for b in blocks if "text" in b] + [
        e for b in blocks for e in b.get("elements", [])
    ]


def test_it_passes_the_conformance_checks() -> None:
    check_channel(SLACK)


@given(title=long, meaning=long, detail=long, link=long, source=long)
def test_whatever_the_words_slack_takes_the_message(
    title: str, meaning: str, detail: str, link: str, source: str
) -> None:
    facts = json.loads(json.dumps(SAMPLES["closed"]))
    facts |= {"detail": detail, "link": link, "severity": source}
    facts["question"]["title"] = title
    facts["contributions"][0]["meaning"] = meaning
    facts["crowd"][0]["source"] = source
    for payload in (block_payload(facts, ID), plain_payload(facts)):
        assert slack_complaint(json.loads(json.dumps(payload))) is None
        assert units(payload["text"]) <= 3000


def test_words_from_outside_are_never_interpreted() -> None:
    facts = json.loads(json.dumps(SAMPLES["closed"]))
    facts |= {"detail": "MARKER", "severity": "MARKER"}
    facts["question"]["title"] = facts["contributions"][0]["meaning"] = "MARKER"
    facts["crowd"][0]["source"] = facts["model"]["name"] = facts["rule"]["id"] = "MARKER"
    marked = [t for t in texts_of(block_payload(facts, ID)) if "MARKER" in t["text"]]
    assert len(marked) == 4
    assert {text["type"] for text in marked} == {"plain_text"}


@given(title=st.text(st.sampled_from("<!channel>@here&; "), min_size=1, max_size=40))
def test_no_title_can_ring_everybody(title: str) -> None:
    facts = json.loads(json.dumps(SAMPLES["firing"]))
    facts["question"]["title"] = title
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
        "*Now 43 % (30–56 %), unlikely; was 38 % yesterday; alert line 40 %.*",
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
        (400, b"invalid_attachments", Verdict.SIMPLIFY),
        (400, b"no_text", Verdict.SIMPLIFY),
        (400, b"too_many_attachments", Verdict.SIMPLIFY),
        (400, b"invalid_token", Verdict.DEAD),
        (403, b"invalid_token", Verdict.DEAD),
        (403, b"action_prohibited", Verdict.DEAD),
        (403, b"posting_to_general_channel_denied", Verdict.DEAD),
        (404, b"channel_not_found", Verdict.DEAD),
        (404, b"no_active_hooks", Verdict.DEAD),
        (404, b"no_service", Verdict.DEAD),
        (404, b"no_service_id", Verdict.DEAD),
        (404, b"no_team", Verdict.DEAD),
        (404, b"team_disabled", Verdict.DEAD),
        (410, b"channel_is_archived", Verdict.DEAD),
        (410, b"", Verdict.DEAD),
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
