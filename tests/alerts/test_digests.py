"""The message of a digest: what it says, in every form, whatever stands in its titles."""

import json
from email import message_from_bytes, policy
from typing import Any

import pytest

from alerts import digests, message
from alerts.api import Endpoint
from alerts.channels.atom import Atom
from alerts.channels.log import Log
from alerts.channels.mail import Mail
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook
from alerts.testing.report_samples import sample_reports
from alerts.testing.samples import NOW

REPORTS = sample_reports()
REPORT = REPORTS["report"]
LINES = [item["line"] for item in digests.items(REPORT)]


def endpoint(**more: Any) -> Endpoint:
    secret = "whsec_MfKQ9r8GKYqTwjUPD8ILPZIo2LaLjSnC"
    return Endpoint("desk", "https://hooks.example/x", secret, **more)


def test_it_says_how_likely_how_much_that_moved_and_mostly_why() -> None:
    assert "52 % (36–68 %), up 14 points, mostly new evidence" in LINES[0]
    assert LINES[0].startswith("FIRING · Any US strike")
    assert "not to be relied on since 17 Nov 2025 09:59 UTC" in LINES[1]


def test_it_counts_what_it_has_no_room_for() -> None:
    assert "and 38 more questions" in LINES
    nasty = REPORTS["nasty_report"]
    told = len(nasty["questions"])
    assert 0 < told < 50
    assert f"and {9000 - told} more questions" in message.member_lines(nasty)


@pytest.mark.parametrize("name", REPORTS)
def test_no_report_is_longer_than_receivers_take(name: str) -> None:
    body = Webhook(endpoint()).request(REPORTS[name], "msg_1", NOW).body
    assert len(body) < 64_000
    assert json.loads(body)["type"] == "tocsin.alert.report"
    assert json.loads(body)["data"]["digest"]["id"] == "weekly"


def test_in_slack_every_line_has_the_link_of_its_number() -> None:
    blocks = json.loads(Slack(endpoint()).request(REPORT, "msg_1", NOW).body)["blocks"]
    sections = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    assert "Since 10 Nov 2025" in sections[0]
    assert sections[1].startswith("1. FIRING")
    assert "<https://tocsin.example/questions/us-strike|1>" in sections[2]
    assert "<https://tocsin.example/questions/embargo|4>" in sections[2]  # after "and 38 more"


def test_in_slack_a_title_rings_nobody() -> None:
    blocks = json.loads(Slack(endpoint()).request(REPORTS["nasty_report"], "m", NOW).body)["blocks"]
    marked = [b["text"]["text"] for b in blocks if b.get("text", {}).get("type") == "mrkdwn"]
    assert marked
    assert not any("<!channel>" in text for text in marked)


def test_in_mail_a_line_leads_to_its_question_and_a_title_is_only_text() -> None:
    options = {"from": "tocsin@example.org", "to": "desk@example.org"}
    mail = Mail(Endpoint("desk", "smtp://mail.example", options=options))

    def page(name: str) -> str:
        body = mail.request(REPORTS[name], "msg_1", NOW).body
        made = message_from_bytes(body, policy=policy.default)
        found = made.get_body(("html",))
        assert found is not None
        return str(found.get_content())

    assert '<a href="https://tocsin.example/questions/us-strike">FIRING' in page("report")
    assert "<!channel>" not in page("nasty_report")


def test_the_log_and_the_feed_hold_it_too() -> None:
    line = json.loads(Log(Endpoint("log")).request(REPORT, "msg_1", NOW).body)
    assert line["counts"]["questions"] == 40
    assert LINES[0] in line["text"]
    assert "REPORT · Caribbean desk" in Atom(endpoint()).request(REPORT, "m", NOW).body.decode()
