"""Mail: what its readers see, what its threads hang on, and what becomes of a refusal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import registry
from alerts.api import Endpoint, Reply, Request, Verdict
from alerts.channels import smtp
from alerts.channels.mail import MEMBER_BYTES, Mail
from alerts.facts import notice_id
from alerts.outbox import drain
from alerts.testing import check_channel, sample_facts
from forecast.alert_tables import ChannelTable
from forecast.errors import ConfigError
from forecast.store import Store
from tests.alerts.mail_server import (
    NAME,
    PASSWORD,
    USER,
    Authority,
    Desk,
    check_log_in,
    read_mail,
    serving,
)
from tests.alerts.outbox_samples import Time, put

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
OPTIONS = {"to": "Ada Löv <ada@example.org>, bob@example.org", "from": "tocsin@example.org"}
ENDPOINT = Endpoint("desk", "smtp://u:CANARY@mail.example", None, OPTIONS)
MAIL = Mail(ENDPOINT)
SAMPLES = sample_facts()
XHTML = "{http://www.w3.org/1999/xhtml}"


def written(facts: dict[str, Any], delivery_id: str = "msg_1", **more: Any) -> EmailMessage:
    return read_mail(MAIL.request(facts, delivery_id, NOW, **more).body)


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def shown(html: str) -> str:
    """What a reader of the HTML sees."""
    (body,) = html5lib.parse(html).iter(f"{XHTML}body")
    return "".join(body.itertext())


def with_options(**more: str) -> Mail:
    return Mail(replace(ENDPOINT, options=OPTIONS | more))


def test_it_passes_the_conformance_checks() -> None:
    check_channel(MAIL)


def test_a_mail_says_in_words_and_in_html_what_an_analyst_needs() -> None:
    mail = written(SAMPLES["firing"])
    assert mail["subject"] == (
        "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
    )
    assert mail["to"] == "Ada Löv <ada@example.org>, bob@example.org"
    assert mail.get_content_type() == "multipart/alternative"
    for text in (part(mail, "plain"), shown(part(mail, "html"))):
        assert (
            "43 % (30–56 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day before; alert "
            "line 40 %." in text
        )
        assert "carrier group in the region" in text
        assert "By 25 Dec 2025 (38 days left)." in text
        assert "rule strike-40 · episode 7" in text
    assert "https://tocsin.example/questions/us-strike?a=1&b=2" in part(mail, "plain")
    assert 'href="https://tocsin.example/questions/us-strike?a=1&amp;b=2"' in part(mail, "html")


def test_the_headers_keep_robots_from_answering_and_retries_from_being_seen_twice() -> None:
    first, again = (
        MAIL.request(SAMPLES["firing"], "msg_1", at) for at in (NOW, NOW + timedelta(hours=30))
    )
    assert first == again
    mail = read_mail(first.body)
    assert mail["message-id"] == "<msg_1@example.org>"
    assert mail["date"].datetime == datetime.fromisoformat(SAMPLES["firing"]["at"])
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["list-id"] == "<desk.tocsin.example.org>"
    assert first.headers == {
        smtp.SENDER: "tocsin@example.org",
        smtp.RECIPIENTS: "ada@example.org,bob@example.org",
    }
    assert written(SAMPLES["firing"], "of a stranger\r\n<x>")["message-id"].count("@") == 1


def test_what_follows_in_an_episode_answers_the_message_that_opened_it() -> None:
    opening = notice_id("desk", "strike-40", "us-strike", 7, "firing")
    first = written(SAMPLES["firing"], opening)
    assert first["in-reply-to"] is None
    for name in ("resolved", "reminder", "acknowledged"):
        later = written(SAMPLES[name], f"msg_{name}")
        assert later["in-reply-to"] == later["references"] == first["message-id"]
    other = SAMPLES["resolved"] | {"episode": 8}
    assert written(other)["in-reply-to"] != first["message-id"]
    assert written(SAMPLES["group"])["in-reply-to"] is None
    assert written(SAMPLES["test"])["in-reply-to"] is None


def test_a_group_has_a_line_and_a_link_for_each_and_fits() -> None:
    mail = written(SAMPLES["group"])
    members = SAMPLES["group"]["members"]
    assert mail["subject"] == "3 alerts: 2 firing, 1 resolved"
    assert mail["importance"] == "high", "one of them pages"
    for member in members:
        assert member["subject"]["title"] in part(mail, "plain")
        assert member["subject"]["title"] in shown(part(mail, "html"))
    assert written(SAMPLES["firing"])["importance"] is None
    many = [
        m | {"subject": m["subject"] | {"title": f"界<&> {n}" * 20}}
        for n in range(500)
        for m in members[:1]
    ]
    big = MAIL.request(SAMPLES["group"] | {"members": many}, "msg_1", NOW)
    told = part(read_mail(big.body), "plain")
    rest = int(told.split("and ")[-1].split(" more")[0])
    assert told.count("FIRING") + rest == 500
    assert len(told.encode()) < MEMBER_BYTES + 1000
    assert len(big.body) < 100_000, "mail readers cut what is longer"
    assert html5lib.HTMLParser(strict=True).parse(part(read_mail(big.body), "html")) is not None


@pytest.mark.parametrize("name", SAMPLES)
def test_every_message_is_strict_html_that_needs_nothing_from_elsewhere(name: str) -> None:
    html = part(written(SAMPLES[name]), "html")
    html5lib.HTMLParser(strict=True).parse(html)
    tree = html5lib.parse(html)
    tags = {str(found.tag).removeprefix(XHTML) for found in tree.iter()}
    assert tags <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "div",
        "h1",
        "p",
        "br",
        "a",
        "ul",
        "li",
    }
    assert "background" not in html, "it would be a bright spot in a dark reader"
    assert '<meta name="color-scheme" content="light dark">' in html
    hrefs = [found.get("href") for found in tree.iter(f"{XHTML}a")]
    assert all(str(href).startswith("https://") for href in hrefs)


def test_matrix_21_words_from_outside_are_no_html_and_no_header() -> None:
    title = "<img src=x onerror=alert(1)>\r\nBcc: eve@example.org\x00 \u202e&amp; 🏴‍☠️"
    facts = SAMPLES["firing"] | {
        "question": SAMPLES["firing"]["question"] | {"title": title},
        "subject": SAMPLES["firing"]["subject"] | {"title": title},
        "link": "javascript:alert(1)",
    }
    mail = written(facts)
    assert mail["bcc"] is None
    assert "Bcc: eve@example.org" in mail["subject"]
    html = part(mail, "html")
    assert "<img" not in html
    assert "javascript" not in html
    assert "<img src=x onerror=alert(1)>" in shown(html)


def test_the_plain_form_has_no_html() -> None:
    mail = written(SAMPLES["firing"], plain=True)
    assert mail.get_content_type() == "text/plain"
    assert "43 % (30–56 %) as of 17 Nov 09:59 UTC" in part(mail, "plain")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=40), st.sampled_from(sorted(SAMPLES)))
def test_whatever_the_words_a_mail_stays_whole(words: str, delivery_id: str, name: str) -> None:
    facts = dict(SAMPLES[name])
    for place in ("subject", "question"):
        if facts.get(place):
            facts[place] = facts[place] | {"title": words}
    request = MAIL.request(facts, delivery_id, NOW)
    assert request.body.isascii()
    assert all(len(line) <= 998 for line in request.body.split(b"\r\n")), "RFC 5322, 2.1.1"
    assert b"\n" not in request.body.replace(b"\r\n", b"")
    mail = read_mail(request.body)
    expected = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Id"}
    expected |= {"X-Auto-Response-Suppress", "MIME-Version", "Content-Type"}
    assert set(mail) - expected <= {"In-Reply-To", "References", "Importance"}
    html5lib.HTMLParser(strict=True).parse(part(mail, "html"))
    assert part(mail, "plain")


@pytest.mark.parametrize(
    ("more", "at", "words"),
    [
        ({"to": ""}, "to", "needs addresses"),
        ({"to": "ada"}, "to", "needs addresses"),
        ({"to": "ada@example.org, bob"}, "to", "needs addresses"),
        ({"to": "ada@example.org\r\nBcc: eve@example.org"}, "to", "needs addresses"),
        ({"to": "ädä@example.org"}, "to", "in ASCII"),
        ({"to": ",".join(f"a{n}@example.org" for n in range(51))}, "to", "more than 50"),
        ({"from": "a@example.org, b@example.org"}, "from", "is one address"),
        ({"reply_to": "nobody"}, "reply_to", "needs addresses"),
        ({"tls": "off"}, "tls", "the only other way is 'none'"),
        ({"too": "x"}, "too", "no option 'too'; did you mean 'to'?"),
    ],
)
def test_options_that_make_no_sense_name_their_place(
    more: dict[str, str], at: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        with_options(**more).request(SAMPLES["test"], "msg_1", NOW)
    assert caught.value.at == f"channels.desk.options.{at}"
    assert words in caught.value.message


def test_options_reach_the_message_and_the_transport() -> None:
    request = with_options(reply_to="duty@example.org", tls="none").request(
        SAMPLES["test"], "msg_1", NOW
    )
    assert read_mail(request.body)["reply-to"] == "duty@example.org"
    assert request.headers[smtp.TLS] == smtp.NO_TLS


def test_a_url_of_the_web_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="smtp://") as caught:
        Mail(replace(ENDPOINT, url="https://x/CANARY")).request(SAMPLES["test"], "msg_1", NOW)
    assert caught.value.at == "channels.desk.url"
    assert "CANARY" not in str(caught.value) + repr(MAIL)


@pytest.mark.parametrize(
    ("reply", "verdict", "reason"),
    [
        (Reply(250), Verdict.DELIVERED, ""),
        (Reply(250, {smtp.REFUSED: "1 of 2"}), Verdict.DELIVERED, ""),
        (Reply(451, {}, b"4.3.0 CANARY"), Verdict.RETRY, "refuses it (451 4.3.0)"),
        (Reply(452, {smtp.REFUSED: "1 of 2"}), Verdict.RETRY, "refuses 1 of 2 recipients (452)"),
        (Reply(554, {}, b"5.7.1 CANARY"), Verdict.DEAD, "refuses it (554 5.7.1)"),
        (Reply(550, {smtp.REFUSED: "2 of 2"}), Verdict.DEAD, "refuses 2 of 2 recipients (550)"),
        (Reply(535, {}, b"5.7.8 CANARY"), Verdict.RETRY, "lets us not in (535 5.7.8)"),
        (Reply(530), Verdict.RETRY, "lets us not in (530)"),
        (Reply(299), Verdict.DELIVERED, ""),
        (Reply(199), Verdict.RETRY, "refuses it (199)"),
        (Reply(600), Verdict.RETRY, "refuses it (600)"),
    ],
)
def test_every_answer_has_its_verdict(reply: Reply, verdict: Verdict, reason: str) -> None:
    outcome = MAIL.judge(reply, NOW)
    assert (outcome.verdict, outcome.reason.removeprefix("the mail server ")) == (verdict, reason)


def test_a_log_in_that_is_refused_is_not_hammered() -> None:
    assert MAIL.judge(Reply(535), NOW).after == timedelta(minutes=5)


def test_an_alert_goes_through_the_outbox_into_a_mailbox(
    outbox: Store, time: Time, tmp_path: Path
) -> None:
    authority, desk = Authority(), Desk(data="451 later")
    more: dict[str, Any] = {"tls_context": authority.server(NAME), "authenticator": check_log_in}
    post = partial(smtp.send, resolve=lambda *_: ["127.0.0.1"], tls=authority.client())
    kinds = [EntryPoint("mail", "alerts.channels.mail:Mail", registry.GROUP)]
    put(outbox, time.now, "desk/1")
    with serving(desk, auth_required=True, **more) as port:
        quoted = "".join(f"%{ord(ch):02x}" for ch in PASSWORD)
        (tmp_path / "url").write_text(f"smtp://{USER}:{quoted}@{NAME}:{port}")
        table = ChannelTable(
            id="desk",
            kind="mail",
            url=f"file:{tmp_path}/url",
            allow=["127.0.0.0/8"],
            options=OPTIONS,
        )
        tried = drain(outbox, [table], time, "test", post=post, kinds=kinds)
        desk.data = ""
        time.pass_by(timedelta(hours=1))
        sent = drain(outbox, [table], time, "test", post=post, kinds=kinds)
    assert (tried.retried, sent.sent) == (1, 1)
    assert [mail["message-id"] for mail in desk.mails] == ["<msg_desk_1@example.org>"] * 2
    assert desk.mails[1]["to"] == "Ada Löv <ada@example.org>, bob@example.org"
    assert "43 % (30–56 %) as of 17 Nov 09:59 UTC" in part(desk.mails[1], "plain")


def test_requests_do_not_show_where_they_go() -> None:
    request: Request = MAIL.request(SAMPLES["firing"], "msg_1", NOW)
    assert "CANARY" not in repr(request)
