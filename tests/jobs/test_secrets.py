"""No secret is ever said: not by a command, a log, the store, a report, or an exception.

Row 54 of the failure matrix. Every place that holds a secret gets a word of its own, which is
then looked for in all that comes out, while every channel fails in another way.
"""

import signal
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from alerts.registry import open_channel
from alerts.testing import Answer, Received, Receiver, sample_facts
from forecast.errors import TocsinError
from forecast.store import Store
from forecast.watch import load_watch
from jobs.app import open_app
from jobs.cli import COMMANDS
from jobs.cli.alerts import COMMANDS as ALERTS
from jobs.trial import send_trial
from tests.alerts.mail_server import Desk as Mailbox
from tests.alerts.mail_server import check_log_in, serving
from tests.command import run
from tests.jobs.desk import Desk, make_desk, wait_for

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
PASSWORD = "CANARYmail p@ss"
WHSEC = "whsec_CANARYwhsec0CANARYwhsec0CANARYwh"
LOG_IN = f"desk:{quote(PASSWORD, safe='')}"
# The environment of the desk: a secret each, with a word of its own.
SECRETS = {
    "SLACK": "{web}/slack/T0/CANARYslack",
    "CLOSED": "http://127.0.0.1:9/CANARYclosed",
    "NO_TLS": "{tls}/CANARYnotls",
    "HOOK": "{web}/hook?token=CANARYtoken",
    "WHSEC": WHSEC,
    "BAD_WHSEC": "whsec_CANARYbadwhsec!",
    "BAD_URL": "http://[CANARYbadurl/",
    "USER_URL": "http://CANARYuser:CANARYbasic@127.0.0.1/",
    "METADATA": "http://169.254.169.254/CANARYmetadata",
    "MAIL": f"smtp://{LOG_IN}@127.0.0.1:{{mail}}",
    "BAD_MAIL": "smtp://desk:CANARYbadmail/x@127.0.0.1",
    "PAGER": "{web}/v2/enqueue",
    "PAGER_KEY": "CANARYpagerCANARYpagerCANARYpage",
    "MANAGER": "{web}/am/CANARYmanager",
    "BEARER": "CANARYbearer",
    "BEAT": "{web}/ping/CANARYbeat",
}
CHANNELS = """
[heartbeat]
url = "env:BEAT"
allow = ["127.0.0.0/8"]
"""
TABLE = """
[[channels]]
id = "{id}"
kind = "{kind}"
{more}
allow = ["127.0.0.0/8"]
{options}
[[subscriptions]]
channel = "{id}"
"""
MAILS = '[channels.options]\nto = "ada@example.org"\nfrom = "t@example.org"\ntls = "none"'
KINDS = {
    "slack": ("slack", "SLACK", ""),
    "closed": ("slack", "CLOSED", ""),
    "no-tls": ("slack", "NO_TLS", ""),
    "hook": ("webhook", "HOOK", "WHSEC"),
    "bad-secret": ("webhook", "HOOK", "BAD_WHSEC"),
    "bad-url": ("webhook", "BAD_URL", "WHSEC"),
    "user-url": ("webhook", "USER_URL", "WHSEC"),
    "metadata": ("webhook", "METADATA", "WHSEC"),
    "mail": ("mail", "MAIL", ""),
    "bad-mail": ("mail", "BAD_MAIL", ""),
    "pager": ("pagerduty", "PAGER", "PAGER_KEY"),
    "manager": ("alertmanager", "MANAGER", "BEARER"),
    "manager-api": ("alertmanager-api", "MANAGER", "BEARER"),
}


def echo(received: Received) -> Answer:
    """A receiver that says back all it was told, which is where secrets come from."""
    said = f"{received.path} {dict(received.headers)} ".encode() + received.body
    status = {"/slack": 500, "/hook": 302, "/v2": 400}.get(received.path[:6].rstrip("/?"), 503)
    return Answer(status, {"location": received.path, "retry-after": "1"}, said)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with failing_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@contextmanager
def failing_desk(folder: Path) -> Iterator[Desk]:
    """A desk whose every channel fails, each in a way of its own."""
    more: dict[str, Any] = {"authenticator": check_log_in, "auth_require_tls": False}
    with Receiver(services={"/": echo}) as web, serving(Mailbox(), **more) as port:
        base = web.url("")
        places = {"web": base, "tls": base.replace("http:", "https:"), "mail": port}
        secrets: dict[str, Any] = {n: text.format(**places) for n, text in SECRETS.items()}
        made = make_desk(folder, **secrets)
        made.file.write_text(made.file.read_text() + CHANNELS + "".join(map(table_of, KINDS)))
        yield made


def table_of(name: str) -> str:
    kind, url, secret = KINDS[name]
    more = f'url = "env:{url}"' + (f'\nsecret = "env:{secret}"' if secret else "")
    return TABLE.format(id=name, kind=kind, more=more, options=MAILS if kind == "mail" else "")


def forms(word: str) -> set[str]:
    """A secret as it may be written down."""
    raw = word.encode()
    return {word, quote(word, safe=""), b64encode(raw).decode(), raw.hex(), repr(raw)[2:-1]}


FORBIDDEN = {"CANARY", *forms(PASSWORD), b64encode(f"\0desk\0{PASSWORD}".encode()).decode()}


def leaks(text: str) -> list[str]:
    """The lines that say what may not be said."""
    return [line for line in text.splitlines() if any(word in line for word in FORBIDDEN)]


BAD_STORES = (
    "postgresql://desk:CANARYstore@127.0.0.1:1/tocsin",
    "postgresql+nonsense://desk:CANARYstore@127.0.0.1/x",
    "postgres desk:CANARYstore@h",
    "sqlite:////nowhere/x.db?key=CANARYstore",
)
CLEAR = "https://hooks.example/CANARYclear"
EVERY_COMMAND = [
    "update",
    "alerts list",
    "alerts waiting",
    "alerts deliveries",
    "alerts deliveries --status due --attempts msg_",
    "alerts preview likely",
    "alerts silence --rules likely --for 1h --why calm",
    "alerts silences",
    "alerts unsilence 1",
    "alerts ack likely q-long --note known",
    "alerts enable hook",
    "alerts replay --dead",
    "alerts replay msg_none",
    f"alerts subscribe clear --kind slack --url {CLEAR}",
    f"alerts subscribe clear --kind webhook --url env:HOOK --secret {WHSEC}",
    *(f"alerts test {name}" for name in KINDS),
    "serve --once",
    "serve --once --log-format json --log-level debug",
    "worker",
    "schedules",
    "runs",
    "sources list",
    "tag watch.toml",
    "inbox",
    "tokens list",
    "digests",
    "audit",
    "what-if q-long --silence 10d",
    "doctor",
    "doctor --send",
    "report",
    "report q-long --html page.html",
    "explain q-long",
    "incidents",
    "quarantine",
    "ingest watch.toml",
    "priors show",
    "models",
    "questions",
    "questions show q-long",
    "questions scores",
    "questions void q-long --reason odd",
    "backtest --list",
    "backtest --workers 1",
    "alerts deliveries",
    "backup copy.db",
    "restore copy.db --into other.db",
    "restore copy.db",
    "retention",
    "retention --apply",
]
PROOFS = (
    "likely: q-long",
    "500",
    "302",
    "Connection refused",
    "no TLS",
    "cannot be read",
    "never dialled",
    "(535)",
    "127.0.0.1:1",
)
NO_CHANNELS = {"demo", "init", "coupling"}


def said_by(desk: Desk, commands: list[tuple[dict[str, str], list[str]]]) -> str:
    """All that these commands say, each in the environment of the desk and more."""
    said = []
    for more, arguments in commands:
        done = run(*arguments, folder=desk.folder, environment=desk.environment | more)
        said += [done.stdout, done.stderr]
    return "\n".join(said)


def test_every_command_is_looked_at() -> None:
    ours = [command.split() for command in EVERY_COMMAND]
    assert {words[0] for words in ours} == set(COMMANDS) - NO_CHANNELS
    assert {words[1] for words in ours if words[0] == "alerts"} == set(ALERTS)


def test_matrix_54_no_command_says_a_secret(desk: Desk) -> None:
    """As people and as programs read it, with tracebacks, and with a store that is not there."""
    debug = {"TOCSIN_DEBUG": "1"}
    spoken: tuple[list[str], ...] = ([], ["--json"])
    on_stores = [
        *("update", "doctor", "alerts list", "serve --once", "report", "backup x.db"),
        *("worker", "restore copy.db", "tokens list", "retention"),
    ]
    told = said_by(
        desk,
        [(debug, [*command.split(), *form]) for form in spoken for command in EVERY_COMMAND]
        + [
            (debug | {"TOCSIN_STORE": store}, [*command.split(), *form])
            for store in BAD_STORES
            for form in spoken
            for command in on_stores
        ],
    )
    for proof in PROOFS:
        assert proof in told, "something did not fail in the way that it was to"
    assert leaks(told.replace(CLEAR, "").replace(f"--secret {WHSEC}", "")) == []
    assert (desk.folder / "page.html").stat().st_size > 0
    assert files_with_a_secret(desk.folder) == []


def test_matrix_54_neither_the_log_of_serve_nor_any_file_holds_a_secret(tmp_path: Path) -> None:
    with failing_desk(tmp_path) as desk:
        serve = desk.start("serve")
        try:
            with desk.store() as store:
                wait_for(lambda: tried(store) >= {"desk", *KINDS})
        finally:
            serve.send_signal(signal.SIGTERM)
            _, log = serve.communicate(timeout=60)
    assert "serving 'Harbour desk'" in log
    assert leaks(log) == []
    assert (tmp_path / "tocsin.db").stat().st_size > 0
    assert files_with_a_secret(tmp_path) == []


def files_with_a_secret(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [p.name for p in files if any(word.encode() in p.read_bytes() for word in FORBIDDEN)]


def tried(store: Store) -> set[str]:
    """The channels whose messages were all begun to be sent, and are not on their way."""
    deliveries = store.deliveries(limit=1000)
    waiting = {d.channel for d in deliveries if not d.attempts or d.status == "sending"}
    return {delivery.channel for delivery in deliveries} - waiting


@pytest.mark.parametrize("name", KINDS)
def test_matrix_54_no_exception_nor_its_chain_holds_a_secret(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in SECRETS:
        monkeypatch.setenv(variable, desk.environment[variable])
    (table,) = [t for t in load_watch(desk.folder).config.channels if t.id == name]
    with pytest.raises(TocsinError) as caught:
        send_trial(table, NOW, folder=desk.folder)
    told = "".join(traceback.format_exception(caught.value)) + whole_chain(caught.value)
    assert leaks(told) == []


def whole_chain(error: BaseException) -> str:
    """All that hangs on an exception, also what a traceback would not show."""
    links: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and link not in links:
            links.append(link)
            waiting += [link.__cause__, link.__context__]
    return "\n".join(f"{link!r} {link} {vars(link)}" for link in links)


def test_matrix_54_no_object_shows_a_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in SECRETS:
        monkeypatch.setenv(variable, desk.environment[variable])
    shown = []
    with open_app(desk.folder) as app:
        shown += [app, app.config, app.store, load_watch(desk.folder)]
        for table in app.config.channels:
            if table.id == "desk":
                continue
            channel = open_channel(table, folder=desk.folder)
            shown += [table, channel]
            try:
                shown.append(channel.request(sample_facts()["test"], "msg_1", NOW))
            except TocsinError as error:
                shown.append(error)
    assert leaks("\n".join(f"{thing!r} {thing}" for thing in shown)) == []
