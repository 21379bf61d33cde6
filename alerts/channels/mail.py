"""Mail: one message in plain words and in HTML, its thread that of the episode.

https://www.rfc-editor.org/rfc/rfc5322  the form of a message, and of its threads
https://www.rfc-editor.org/rfc/rfc3834  Auto-Submitted: no out-of-office note comes back
https://www.rfc-editor.org/rfc/rfc2919  List-Id: what a reader files it by
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from hashlib import sha256
from html import escape
from typing import Any

from alerts import message
from alerts.api import Endpoint, Outcome, Reply, Request, Verdict
from alerts.channels import smtp
from alerts.facts import clean, notice_id
from forecast.alert import NoticeKind
from forecast.clock import parse_instant
from forecast.errors import ConfigError
from forecast.names import did_you_mean

SUBJECT_LIMIT = 200
MEMBER_BYTES = 20_000  # mail readers cut a message of 100 kB
MOST_RECIPIENTS = 50
OPTIONS = ("from", "to", "reply_to", "tls")
# A server that lets nobody in is asked less often, or it shuts the account.
LOCKED_OUT = timedelta(minutes=5)

_POLICY = SMTP.clone(cte_type="7bit")  # every server takes that
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOG_IN = (454, 530, 534, 535, 538)
# RFC 3463: a class, a subject, a detail
_DETAIL = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")
# https://infra.spec.whatwg.org/#noncharacter and the controls beside it
_NO_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_COLOURS = {"page": "#d32f2f", "warning": "#ed9b00", "info": "#3b7dd8"}
_PAGE = """\
<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="font:16px/1.45 system-ui,sans-serif;margin:12px">
<div style="border-left:5px solid {colour};padding-left:12px;max-width:44em">
<h1 style="font-size:1.15em;margin:0 0 .6em">{title}</h1>
{body}
</div>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mailbox, or a few. The URL is that of the mail server, its user and password in it.

    Options: `to` (between commas), `from`, `reply_to`, and `tls` = "none" for a server in
    `allow` that has no TLS.
    """

    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The message, `plain` without its HTML."""
        if not self.endpoint.url.startswith(("smtp://", "smtps://")):
            at = f"channels.{self.endpoint.channel}.url"
            raise ConfigError("mail needs a url that begins with smtp:// or smtps://", at=at)
        sender, recipients = self._sender(), self._addresses("to")
        known = dict(facts)
        made = self._headers(known, delivery_id, sender, recipients)
        made.set_content(_plain_text(known))
        if not plain:
            made.add_alternative(_html(known), subtype="html")
        _fix_boundary(made, delivery_id)
        envelope = {
            smtp.SENDER: sender.addr_spec,
            smtp.RECIPIENTS: ",".join(recipient.addr_spec for recipient in recipients),
        }
        if self._option("tls"):
            envelope[smtp.TLS] = smtp.NO_TLS
        return Request(self.endpoint.url, envelope, made.as_bytes(policy=_POLICY))

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """2xx is delivered, 5xx is dead, all else is tried again.

        A log-in that is refused is a fault of the set-up, which somebody will mend: no alert
        is given up for it.
        """
        if 200 <= reply.status < 300:
            return Outcome(Verdict.DELIVERED)
        found = _DETAIL.match(reply.body)
        code = f"{reply.status} {found[0].decode()}" if found else f"{reply.status}"
        if reply.status in _LOG_IN:
            return Outcome(Verdict.RETRY, f"the mail server lets us not in ({code})", LOCKED_OUT)
        whom = reply.headers.get(smtp.REFUSED, "")
        words = f"the mail server refuses {f'{whom} recipients' if whom else 'it'} ({code})"
        is_final = 500 <= reply.status < 600
        return Outcome(Verdict.DEAD if is_final else Verdict.RETRY, words)

    def _headers(
        self, facts: dict[str, Any], delivery_id: str, sender: Address, recipients: list[Address]
    ) -> EmailMessage:
        made = EmailMessage(policy=_POLICY)
        made["From"], made["To"] = sender, recipients
        if self._option("reply_to"):
            made["Reply-To"] = self._addresses("reply_to")
        made["Subject"] = clean(message.headline(facts), SUBJECT_LIMIT)
        made["Date"] = format_datetime(parse_instant(facts["at"]))
        made["Message-ID"] = _message_id(delivery_id, sender)
        first = _first_of_episode(facts, self.endpoint.channel)
        if first and first != delivery_id:
            made["In-Reply-To"] = made["References"] = _message_id(first, sender)
        made["Auto-Submitted"] = "auto-generated"
        made["X-Auto-Response-Suppress"] = "All"
        made["List-Id"] = f"<{_word(self.endpoint.channel)}.tocsin.{sender.domain}>"
        if facts["severity"] == "page":
            made["Importance"] = "high"
        return made

    def _option(self, name: str) -> str:
        """One of the options; ConfigError where any is unknown or makes no sense."""
        options = self.endpoint.options
        for key in options:
            if key not in OPTIONS:
                hint = did_you_mean(key, OPTIONS) or f"; there are {', '.join(OPTIONS)}"
                raise ConfigError(f"mail has no option '{key}'{hint}", at=self._at(key))
        if options.get("tls", smtp.NO_TLS) != smtp.NO_TLS:
            words = "TLS is always asked for; the only other way is 'none'"
            raise ConfigError(words, at=self._at("tls"))
        return options.get(name, "")

    def _sender(self) -> Address:
        found = self._addresses("from")
        if len(found) > 1:
            raise ConfigError("is one address", at=self._at("from"))
        return found[0]

    def _addresses(self, name: str) -> list[Address]:
        """The addresses of an option, each once; ConfigError where there are none or bad ones."""
        stated = self._option(name)
        found = getaddresses([stated]) if stated.isprintable() else []  # Python 3.12.1 lets CRLF by
        addresses = {
            spec: Address(clean(shown, 100), addr_spec=spec)
            for shown, spec in found
            if _ADDRESS.fullmatch(spec)
        }
        if not addresses or len(addresses) < len({spec for _, spec in found}):
            words = "needs addresses such as desk@example.org, with commas between them, in ASCII"
            raise ConfigError(words, at=self._at(name))
        if len(addresses) > MOST_RECIPIENTS:
            words = f"holds more than {MOST_RECIPIENTS} addresses; use a mailing list"
            raise ConfigError(words, at=self._at(name))
        return list(addresses.values())

    def _at(self, name: str) -> str:
        return f"channels.{self.endpoint.channel}.options.{name}"


def _message_id(delivery_id: str, sender: Address) -> str:
    """The same for every try, so that a reader shows a message once that came twice."""
    return f"<{_word(delivery_id)}@{sender.domain}>"


def _word(text: str) -> str:
    """The text, or where it is more than a word of ASCII, its digest."""
    return (
        text if _WORD.fullmatch(text) else sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    )


def _first_of_episode(facts: dict[str, Any], channel: str) -> str:
    """The id of the message that opened the episode, by which its messages find together."""
    if facts["kind"] == "test" or message.is_list(facts):
        return ""
    subject = facts.get("subject") or facts["question"]
    return notice_id(
        channel, facts["rule"]["id"], subject["id"], facts["episode"], NoticeKind.FIRING
    )


def _plain_text(facts: dict[str, Any]) -> str:
    paragraphs = [
        *_paragraphs(facts),
        "\n".join(f"{line}\n    {link}".rstrip() for line, link in _members(facts)),
        "\n".join(_small(facts)),
    ]
    told = "\n\n".join(text for text in (*paragraphs, facts["link"]) if text)
    return _sendable(f"{told}\n")


def _html(facts: dict[str, Any]) -> str:
    """Small, all of it in the message, and readable in the dark: it names no background."""
    title, *rest = _paragraphs(facts)
    parts = [f"<p>{escape(text)}</p>" for text in rest]
    if members := _members(facts):
        listed = "\n".join(f"<li>{_linked(line, link)}</li>" for line, link in members)
        parts.append(f'<ul style="padding-left:1.2em">\n{listed}\n</ul>')
    parts.append(f"<p>{_linked('Open the forecast', facts['link'])}</p>" if facts["link"] else "")
    small = "<br>\n".join(escape(line) for line in _small(facts))
    parts.append(f'<p style="font-size:.85em;opacity:.75">{small}</p>')
    colour = _COLOURS.get(facts["severity"], _COLOURS["warning"])
    body = "\n".join(part for part in parts if part)
    return _sendable(_PAGE.format(title=escape(title), colour=colour, body=body))


def _linked(words: str, link: str) -> str:
    """The words, a link where theirs leads to the web."""
    if not link.startswith(("https://", "http://")):
        return escape(words)
    return f'<a href="{escape(link)}">{escape(words)}</a>'


def _paragraphs(facts: dict[str, Any]) -> list[str]:
    """The headline, then what a tired reader wants next, first things first."""
    rest = [
        message.number_line(facts),
        message.why_line(facts),
        message.deadline_line(facts),
        message.crowd_line(facts),
    ]
    return [message.headline(facts), *(line for line in rest if line)]


def _members(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """A line for each member of a group, as many as have room, and where it leads."""
    if not message.is_list(facts):
        return []
    links = [member["link"] for member in message.members(facts)]
    beside = max(map(len, links), default=0)
    lines = message.member_lines(facts)
    kept = message.fit_lines(
        lines, MEMBER_BYTES, lambda line: len(_sendable(line).encode()) + beside
    )
    if kept != lines:  # the last one says how many more there are
        links[len(kept) - 1] = ""
    return list(zip(kept, links, strict=False))


def _small(facts: dict[str, Any]) -> list[str]:
    return [line for line in message.small_print(facts) if line]


def _sendable(text: str) -> str:
    """Without what HTML cannot hold: controls, and half a surrogate pair."""
    return _NO_TEXT.sub("", text)


def _fix_boundary(made: EmailMessage, delivery_id: str) -> None:
    """The library would draw the boundary by lot, and a retry has to be the same bytes."""
    if made.is_multipart():
        made.set_boundary(f"=_{sha256(delivery_id.encode('utf-8', 'replace')).hexdigest()[:40]}")
