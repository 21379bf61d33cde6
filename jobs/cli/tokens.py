"""`tocsin tokens`: who may use the API, and for how long."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, parse_instant, utc_now
from forecast.errors import UsageError
from jobs.cli.options import cell, common, note, print_json, say, stdout_console

if TYPE_CHECKING:
    from forecast.access import Token

SCOPES = ("read", "write", "admin")


@click.group("tokens")
def command() -> None:
    """Who may use the API, and for how long.

    read reads; write states facts and asks for what a desk does every day; admin changes what
    is believed and what runs.
    """


@command.command("create")
@click.argument("name")
@click.option(
    "--scope", type=click.Choice(SCOPES), default="read", show_default=True, help="What it may do."
)
@click.option(
    "--expires",
    metavar="WHEN",
    default="90 days",
    show_default=True,
    help='In how long, or at which date, it opens nothing any more; "never" for never.',
)
@common
def create(name: str, scope: str, expires: str, folder: Path, as_json: bool) -> None:
    """Make a token NAME, and print it: once, for only its hash is kept.

    What is done with it is done in its name.
    """
    from forecast.access import Scope, Token, digest_of, new_secret
    from jobs.app import open_app
    from jobs.prior_ledger import author_name

    now, name = utc_now(), _checked(name)
    secret = new_secret()
    with open_app(folder) as app:
        token = Token(
            f"tok_{secrets.token_hex(6)}",
            name,
            Scope(scope),
            digest_of(secret),
            author_name(),
            now,
            _end(expires, now),
        )
        app.store.access.add_token(token)
    if as_json:
        print_json({"schema_version": 1, "secret": secret} | _as_json(token, now))
        return
    say(secret)
    end = token.expires_at
    until = f"until {format_instant(end.replace(microsecond=0))}" if end else "for ever"
    note(f"token '{name}' ({scope}) {until}; it is not shown again: keep it like a password")


@command.command("list")
@common
def list_(folder: Path, as_json: bool) -> None:
    """List the tokens, oldest first, and when each was last used."""
    from jobs.app import open_app

    now = utc_now()
    with open_app(folder) as app:
        found = app.store.access.tokens()
    if as_json:
        print_json({"schema_version": 1, "tokens": [_as_json(token, now) for token in found]})
        return
    if not found:
        say("no token was made; `tocsin tokens create NAME --scope read` makes one")
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("name", "id", "scope", "state", "until", "last used", "made by"):
        table.add_column(column, overflow="fold")
    for token in found:
        row = (token.name, token.token_id, token.scope.value, _state(token, now))
        times = (_day(token.expires_at, "for ever"), _minute(token.last_used_at))
        table.add_row(*map(cell, (*row, *times, token.author)))
    stdout_console().print(table)


@command.command("revoke")
@click.argument("name")
@common
def revoke(name: str, folder: Path, as_json: bool) -> None:
    """Have the token NAME (or of that id) open nothing any more, from now on."""
    from jobs.app import open_app

    now = utc_now()
    with open_app(folder) as app:
        token = app.store.access.revoke_token(name, now)
    if as_json:
        print_json({"schema_version": 1, "revoked": token.name, "id": token.token_id})
        return
    say(f"token '{token.name}' ({token.token_id}) opens nothing any more")


@command.command("link")
@click.argument("name")
@click.argument("path")
@common
def link(name: str, path: str, folder: Path, as_json: bool) -> None:
    """Print the address of PATH with a key of the token NAME, for what can send no header.

    PATH is /feeds/questions.atom, /feeds/alerts.atom or /badges/QUESTION.svg. The key opens that
    address alone, to whoever has it, until the token is revoked or expires.
    """
    from urllib.parse import quote

    from forecast.access import key_of
    from jobs.app import open_app

    if not path.startswith(("/feeds/", "/badges/")):
        raise UsageError("a key is for an address below /feeds/ or /badges/", at="PATH")
    with open_app(folder) as app:
        token = next((t for t in app.store.access.tokens() if _is_called(t, name)), None)
        web = app.config.web
        base = web.public_url or app.config.watch.link.rstrip("/")
    if token is None:
        raise UsageError(f"there is no live token '{name}'")
    address = f"{base or f'http://{web.host}:{web.port}'}{quote(path)}?key={key_of(token, path)}"
    if as_json:
        print_json({"schema_version": 1, "address": address, "token": token.name})
        return
    say(address)


def _is_called(token: "Token", name: str) -> bool:
    return name in (token.name, token.token_id) and token.is_live(utc_now())


def _checked(name: str) -> str:
    name = name.strip()
    if not (name and name.isprintable() and len(name) <= 100):
        raise UsageError("a token's name is 1 to 100 characters that can be printed")
    return name


def _end(expires: str, now: datetime) -> datetime | None:
    """When it expires: "90 days", a date, or "never"."""
    from forecast.words import parse_days

    if expires.strip().lower() == "never":
        return None
    try:
        end = parse_instant(expires)
    except ValueError:
        try:
            end = now + timedelta(days=parse_days(expires))
        except (ValueError, OverflowError):
            words = f"'{expires}' is neither a time such as '90 days', a date, nor 'never'"
            raise UsageError(words, at="--expires") from None
    if end <= now:
        raise UsageError(f"{format_instant(end)} is over already", at="--expires")
    return end


def _state(token: "Token", now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.is_live(now) else "expired"


def _day(at: datetime | None, otherwise: str) -> str:
    return f"{at:%Y-%m-%d}" if at else otherwise


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"


def _as_json(token: "Token", now: datetime) -> dict[str, Any]:
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    found = {name: getattr(token, name) for name in times}
    return {
        "id": token.token_id,
        "name": token.name,
        "scope": token.scope.value,
        "state": _state(token, now),
        "author": token.author,
    } | {name: format_instant(at) if at else None for name, at in found.items()}
