"""A mail handed to real servers on loopback, with TLS and log-in, and to some that misbehave."""

import logging
import ssl
import traceback
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from alerts.address import parse_networks
from alerts.api import Reply
from alerts.channels import smtp
from alerts.channels.http import trusted
from forecast.errors import ConfigError, OutsideError, TocsinError
from tests.alerts.mail_server import (
    NAME,
    PASSWORD,
    USER,
    Authority,
    Desk,
    check_log_in,
    saying,
    serving,
)

LOOPBACK = parse_networks(["127.0.0.0/8"])
HEADERS = {smtp.SENDER: "tocsin@example.org", smtp.RECIPIENTS: "ada@example.org,bob@example.org"}
CLEAR = HEADERS | {smtp.TLS: smtp.NO_TLS}
BODY = b"Subject: A strike\r\n\r\nFIRING\r\n.a line that begins with a dot\r\n"
LOG_IN = f"{USER}:{quote(PASSWORD, safe='')}@"
CANARY = "CANARY"
BOTH = ["PLAIN", "LOGIN"]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


send = partial(smtp.send, resolve=to_loopback)


def test_the_very_message_arrives_under_tls_after_a_log_in(authority: Authority) -> None:
    desk = Desk()
    options: dict[str, Any] = {"tls_context": authority.server(NAME), "authenticator": check_log_in}
    with serving(desk, require_starttls=True, auth_required=True, **options) as port:
        url = f"smtp://{LOG_IN}{NAME}:{port}"
        reply = send(url, BODY, HEADERS, LOOPBACK, tls=authority.client())
    assert (reply.status, reply.body, reply.headers) == (250, b"2.0.0 taken", {})
    (envelope,), (session,) = desk.envelopes, desk.sessions
    assert envelope.content == BODY
    assert envelope.mail_from == "tocsin@example.org"
    assert envelope.rcpt_tos == ["ada@example.org", "bob@example.org"]
    assert session.authenticated
    assert session.ssl is not None
    assert session.host_name == "[127.0.0.1]", "the name of this machine is nobody's business"


def test_smtps_speaks_tls_from_the_first_byte(authority: Authority) -> None:
    desk = Desk()
    more: dict[str, Any] = {"authenticator": check_log_in, "auth_require_tls": False}
    with serving(desk, implicit=authority.server(NAME), **more) as port:
        url = f"smtps://{LOG_IN}{NAME}:{port}"
        assert send(url, BODY, HEADERS, LOOPBACK, tls=authority.client()).status == 250
    assert desk.sessions[0].authenticated


def test_a_relay_of_ones_own_may_do_without_tls() -> None:
    desk = Desk()
    with serving(desk) as port:
        assert send(f"smtp://{NAME}:{port}", BODY, CLEAR, LOOPBACK).status == 250
    assert desk.sessions[0].ssl is None


def test_without_tls_goes_nothing_to_a_server_outside_of_allow() -> None:
    with pytest.raises(ConfigError, match="only to a server in a network of `allow`"):
        smtp.send(f"smtp://{LOG_IN}{NAME}", BODY, CLEAR, resolve=lambda *_: ["8.8.8.8"])


def test_a_server_that_offers_no_tls_gets_neither_log_in_nor_message() -> None:
    """Somebody in between may have struck STARTTLS from the offer."""
    desk = Desk()
    with serving(desk) as port, pytest.raises(OutsideError, match="offers no TLS"):
        send(f"smtp://{LOG_IN}{NAME}:{port}", BODY, HEADERS, LOOPBACK)
    assert desk.envelopes == []


YEAR_2020 = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize(
    ("name", "days", "is_trusted", "reason"),
    [
        (NAME, None, False, "unable to get local issuer certificate"),
        ("mail.elsewhere", None, True, "Hostname mismatch"),
        (NAME, 30, True, "certificate has expired"),
    ],
)
def test_matrix_16_a_certificate_that_proves_nothing_is_refused(
    authority: Authority, scheme: str, name: str, days: int | None, is_trusted: bool, reason: str
) -> None:
    spent = {"not_before": YEAR_2020, "not_after": YEAR_2020 + timedelta(days=days)} if days else {}
    shown = authority.server(name, **spent)
    desk, tls = Desk(), authority.client() if is_trusted else None
    more: dict[str, Any] = {"implicit": shown} if scheme == "smtps" else {"tls_context": shown}
    with serving(desk, **more) as port, pytest.raises(OutsideError) as caught:
        send(f"{scheme}://{LOG_IN}{NAME}:{port}", BODY, HEADERS, LOOPBACK, tls=tls)
    assert f"certificate is refused: {reason}" in caught.value.message
    assert_secret_nowhere(caught.value)
    assert desk.envelopes == []


def test_a_password_that_is_refused_is_a_failure_that_keeps_the_message(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = Desk()
    options: dict[str, Any] = {"tls_context": authority.server(NAME), "authenticator": check_log_in}
    with serving(desk, **options) as port:
        url = f"smtp://{USER}:CANARY-wrong@{NAME}:{port}"
        with pytest.raises(OutsideError, match=r"refuses the user name or password \(535\)") as no:
            send(url, BODY, HEADERS, LOOPBACK, tls=authority.client())
    assert_secret_nowhere(no.value)
    assert CANARY not in caplog.text


def test_a_server_without_log_in_is_not_told_the_password(authority: Authority) -> None:
    with serving(Desk(), tls_context=authority.server(NAME), auth_exclude_mechanism=BOTH) as port:
        url = f"smtp://{LOG_IN}{NAME}:{port}"
        with pytest.raises(OutsideError, match="no way to log in") as caught:
            send(url, BODY, HEADERS, LOOPBACK, tls=authority.client())
    assert_secret_nowhere(caught.value)


@pytest.mark.parametrize(
    ("to", "data", "status", "refused", "taken_by"),
    [
        ({}, "451 4.3.0 later", 451, None, ["ada@example.org", "bob@example.org"]),
        ({}, "554 5.7.1 spam", 554, None, ["ada@example.org", "bob@example.org"]),
        ({"bob@example.org": "550 no"}, "", 250, "1 of 2", ["ada@example.org"]),
        ({"bob@example.org": "452 full"}, "", 452, "1 of 2", ["ada@example.org"]),
        ({"ada@example.org": "550 no", "bob@example.org": "553 no"}, "", 550, "2 of 2", None),
        ({"ada@example.org": "550 no", "bob@example.org": "450 grey"}, "", 450, "2 of 2", None),
        ({"bob@example.org": "550 no"}, "451 later", 451, "1 of 2", ["ada@example.org"]),
    ],
)
def test_what_the_server_says_of_message_and_recipients_comes_back(
    to: dict[str, str], data: str, status: int, refused: str | None, taken_by: list[str] | None
) -> None:
    """One who is refused for now is tried again; one who is refused for good stops no other."""
    desk = Desk(to=to, data=data)
    with serving(desk) as port:
        reply = send(f"smtp://{NAME}:{port}", BODY, CLEAR, LOOPBACK)
    assert (reply.status, reply.headers.get(smtp.REFUSED)) == (status, refused)
    assert [e.rcpt_tos for e in desk.envelopes] == ([taken_by] if taken_by else [])


def test_a_recipient_who_is_refused_for_good_is_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(Desk(to={"bob@example.org": "550 5.1.1 CANARY"})) as port:
        send(f"smtp://{NAME}:{port}", BODY, CLEAR, LOOPBACK)
    assert "1 of 2 recipients refused: bob@example.org (550)" in caplog.text
    assert CANARY not in caplog.text


def test_a_sender_who_is_refused_is_a_fault_of_the_set_up() -> None:
    refused = pytest.raises(OutsideError, match=r"refuses the sender \(553\)")
    with serving(Desk(sender="553 5.7.1 not yours")) as port, refused:
        send(f"smtp://{NAME}:{port}", BODY, CLEAR, LOOPBACK)


HELLO = b"220 mail.example ESMTP\r\n"
TAKEN = (HELLO, b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")


def speak(port: int, headers: dict[str, str] = CLEAR, deadline: float = 0.3) -> Reply:
    return send(f"smtp://{LOG_IN}{NAME}:{port}", BODY, headers, LOOPBACK, deadline)


@pytest.mark.parametrize("before", [(), (HELLO,), (HELLO, b"250-mail.example\r\n250 STARTTLS\r\n")])
def test_matrix_15_a_server_that_hangs_is_left_at_the_deadline(before: tuple[bytes, ...]) -> None:
    """In silence after accepting, after its greeting, or in the middle of TLS."""
    pieces = (*before, b"220 go ahead\r\n") if len(before) == 2 else (*before, b"")
    late = pytest.raises(OutsideError, match=r"no full answer within 0\.3 s")
    with saying(*pieces) as port, late as caught:
        speak(port, HEADERS)
    assert_secret_nowhere(caught.value)


def test_matrix_15_a_server_that_drips_is_left_at_the_deadline() -> None:
    """Each byte is in time, and at last it would even take the message; only the whole is late."""
    late = pytest.raises(OutsideError, match=r"no full answer within 0\.3 s")
    with saying(*TAKEN, b"250 taken\r\n", pause=0.02) as port, late:
        send(f"smtp://{NAME}:{port}", BODY, CLEAR, LOOPBACK, deadline=0.3)


@pytest.mark.parametrize("flood", [b"220-more\r\n", b"y" * 65_536])
def test_matrix_15_of_an_endless_reply_only_the_first_kilobytes_are_read(flood: bytes) -> None:
    with saying(endless=flood) as port, pytest.raises(OutsideError, match="broke off"):
        speak(port, deadline=10)


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), "is not SMTP"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "is not SMTP"),
        ((b"554 5.7.1 CANARY is on a list\r\n",), r"refuses the connection \(554\)"),
        ((b"421 busy\r\n",), r"refuses the connection \(421\)"),
        ((HELLO, b"500 CANARY\r\n"), r"refuses the greeting \(500\)"),
        ((HELLO, b"250-x\r\n250 STARTTLS\r\n", b"454 CANARY\r\n"), r"refuses TLS \(454\)"),
        (
            (HELLO, b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b"in clear\r\n"),
            "no TLS with the mail",
        ),
        ((HELLO, b"250-x\r\n250 AUTH PLAIN\r\n", b"334 CANARY\r\n"), "broke off|offers no TLS"),
    ],
)
def test_a_server_that_refuses_us_is_a_failure_in_words_of_ours(
    pieces: tuple[bytes, ...], reason: str
) -> None:
    with saying(*pieces) as port, pytest.raises(OutsideError, match=reason) as caught:
        speak(port, HEADERS, deadline=2)
    assert_secret_nowhere(caught.value)


def test_what_was_said_before_tls_does_not_count_after_it(authority: Authority) -> None:
    """Injected replies (CVE-2011-0411): a second line behind the 220 of STARTTLS."""
    offer = b"250-x\r\n250 STARTTLS\r\n"
    refused = pytest.raises(OutsideError, match=r"TLS|no full answer")
    with saying(HELLO, offer, b"220 go\r\n250 injected\r\n") as port, refused:
        speak(port, HEADERS, deadline=0.3)


def test_a_server_that_never_says_goodbye_costs_no_message() -> None:
    taken = (HELLO, b"250 hello\r\n", *[b"250 ok\r\n"] * 3, b"354 go on\r\n", b"250 taken\r\n")
    with saying(*taken) as port:
        url = f"smtp://{NAME}:{port}"
        assert send(url, BODY, CLEAR, LOOPBACK, deadline=5).status == 250


def test_an_end_after_the_message_and_before_its_answer_is_a_failure_to_be_tried_again() -> None:
    with saying(*TAKEN) as port, pytest.raises(OutsideError, match="no full answer"):
        send(f"smtp://{NAME}:{port}", BODY, CLEAR, LOOPBACK, deadline=0.3)


@pytest.mark.parametrize(
    ("addresses", "port", "reason"),
    [
        (["127.0.0.1"], 587, "127.0.0.1 is not public"),
        (["8.8.8.8", "10.0.0.1"], 587, "10.0.0.1 is not public"),
        (["169.254.169.254"], 25, "never dialled"),
        (["8.8.8.8"], 22, "port 22 is not one of mail's"),
        (["8.8.8.8"], 443, "port 443 is not one of mail's"),
        (["8.8.8.8"], 8025, "port 8025 is not one of mail's"),
    ],
)
def test_matrix_18_the_guard_judges_mail_servers_too(
    addresses: list[str], port: int, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        smtp.send(f"smtp://{LOG_IN}{NAME}:{port}", BODY, HEADERS, resolve=lambda *_: addresses)
    assert_secret_nowhere(caught.value)


def test_matrix_18_a_name_is_resolved_once_and_that_address_dialled() -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    desk = Desk()
    with serving(desk) as port:
        url = f"smtp://{NAME}:{port}"
        reply = smtp.send(url, BODY, CLEAR, LOOPBACK, resolve=lambda *_: answers.pop(0))
        assert reply.status == 250
        with pytest.raises(ConfigError, match=r"10\.0\.0\.1 is not public"):
            smtp.send(url, BODY, CLEAR, LOOPBACK, resolve=lambda *_: answers.pop(0))
    assert len(desk.envelopes) == 1


def test_matrix_17_a_name_that_does_not_resolve_is_tried_again() -> None:
    def nothing(host: str, port: int) -> list[str]:
        raise OSError(-3, f"Temporary failure in name resolution: {host}")

    with pytest.raises(OutsideError, match="name does not resolve"):
        smtp.send(f"smtp://{NAME}", BODY, HEADERS, resolve=nothing)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("imap://u:CANARY@mail.example", "does not begin with"),
        ("smtp://u:CANARY@", "names no host"),
        ("smtp://u:CANARY@mail.example/inbox", "goes on after the host"),
        ("smtp://u:p/CANARY@mail.example", "goes on after the host|cannot be read"),
        ("smtp://u:CANARY#1@mail.example", "cannot be read; it is like"),
        ("smtp://u:CANARY@mail.example:x", "cannot be read"),
        ("smtp://u:CANARYö@mail.example", "not ASCII"),
        ("smtp://u@mail.example", "a user without a password"),
        ("smtp://:CANARY@mail.example", "a user without a password"),
        ("smtp://u:CANARY @mail.example", "a space or a control"),
    ],
)
def test_a_bad_url_is_refused_with_a_reason_that_does_not_show_it(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        smtp.send(url, BODY, HEADERS)
    assert_secret_nowhere(caught.value)


def test_a_request_that_is_no_mail_is_refused() -> None:
    with pytest.raises(ConfigError, match="no mail"):
        smtp.send("smtp://mail.example", b"{}", {"content-type": "application/json"})


def test_a_recipient_cannot_bring_commands_along() -> None:
    desk = Desk()
    headers = CLEAR | {smtp.RECIPIENTS: "ada@example.org>\r\nRCPT TO:<eve@example.org"}
    with serving(desk) as port, pytest.raises(TocsinError):
        send(f"smtp://{NAME}:{port}", BODY, headers, LOOPBACK)
    assert desk.envelopes == []


def test_no_tls_context_of_ours_trusts_blindly() -> None:
    context = trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def assert_secret_nowhere(error: BaseException) -> None:
    """Not in the words, nor in any exception that hangs on this one, nor in the traceback."""
    chain: BaseException | None = error
    while chain is not None:
        assert CANARY not in repr(chain) + str(chain)
        chain = chain.__cause__ or chain.__context__
    assert CANARY not in "".join(traceback.format_exception(error))
