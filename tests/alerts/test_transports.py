"""How a request goes is said by the scheme of its URL, and by nothing else."""

import inspect
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from alerts.address import parse_networks
from alerts.api import Endpoint
from alerts.channels import atom, http, log, smtp, transports
from alerts.channels.mail import Mail
from alerts.registry import GROUP, open_channel
from alerts.testing import Receiver, check_channel, sample_facts
from forecast.errors import ConfigError, OutsideError
from forecast.watch import parse_config
from tests.alerts.mail_server import Desk, saying, serving

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
LOOPBACK = parse_networks(["127.0.0.0/8"])
KINDS = ["mail", "atom", "log"]
OPTIONS = {"to": "ada@example.org", "from": "tocsin@example.org", "tls": "none"}


def test_the_web_gets_a_post() -> None:
    with Receiver() as receiver:
        reply = transports.post(receiver.slack_url, b'{"text": "x"}', {"x-one": "1"}, LOOPBACK)
    assert (reply.status, receiver.received[0].headers["x-one"]) == (200, "1")


def test_a_mail_server_gets_a_mail() -> None:
    desk = Desk()
    with serving(desk) as port:
        mail = Mail(Endpoint("desk", f"smtp://127.0.0.1:{port}", None, OPTIONS))
        request = mail.request(sample_facts()["firing"], "msg_1", NOW)
        reply = transports.post(request.url, request.body, request.headers, LOOPBACK)
    assert reply.status == 250
    assert desk.mails[0]["message-id"] == "<msg_1@example.org>"


def test_the_deadline_holds_for_each() -> None:
    headers = {smtp.SENDER: "a@b.example", smtp.RECIPIENTS: "c@d.example", smtp.TLS: "none"}
    late = pytest.raises(OutsideError, match=r"within 0\.2 s")
    with saying(b"") as port, late:
        transports.post(f"smtp://127.0.0.1:{port}", b"x", headers, LOOPBACK, 0.2)
    with saying(b"") as port, late:
        transports.post(f"http://127.0.0.1:{port}", b"x", {}, LOOPBACK, 0.2)


@pytest.mark.parametrize(
    "url", ["file:///etc/CANARY", "ftp://h.example/CANARY", "CANARY", "", "gopher://CANARY/"]
)
def test_another_scheme_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="does not begin with https://") as caught:
        transports.post(url, b"", {})
    assert "CANARY" not in str(caught.value)


def test_a_scheme_in_capitals_is_the_same(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only a channel of kind atom"):
        transports.post(f"ATOM:{tmp_path}/x", b"{}", {})


def test_all_transports_are_called_alike() -> None:
    """As the outbox and a trial call them: URL, body, headers, networks, seconds."""
    expected = list(inspect.signature(transports.post).parameters)
    assert expected == ["url", "body", "headers", "allow", "deadline"]
    for send in (http.post, smtp.send, atom.publish, log.write):
        assert list(inspect.signature(send).parameters)[:5] == expected


GUIDE = Path(__file__).parents[2] / "docs" / "channels-mail-atom-log.md"


def test_the_channels_of_the_guide_open_and_write_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUTY_SMTP", "smtp://desk:password@mail.example.org:587")
    toml = GUIDE.read_text().split("```toml\n")[1].split("```")[0]
    tables = parse_config(f'[watch]\ntitle = "Guide"\n{toml}').channels
    entries = [EntryPoint(kind, f"alerts.channels.{kind}:{kind.title()}", GROUP) for kind in KINDS]
    assert [table.kind for table in tables] == KINDS
    for table in tables:
        check_channel(open_channel(table, entries, tmp_path))
