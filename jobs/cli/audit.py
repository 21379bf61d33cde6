"""`tocsin audit`: whether anything that was believed or said was touched afterwards."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from jobs.app import App, open_app
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from forecast.store.seals import Verified

SHOWN = 20


@click.command("audit")
@click.option("--anchor", is_flag=True, help="Print the newest hash alone, to keep elsewhere.")
@click.option("--expect", metavar="HASH", help="A hash that was kept: it must be in the chain.")
@common
def command(anchor: bool, expect: str | None, folder: Path, as_json: bool) -> None:
    """Verify the chain of hashes over priors, estimates, resolutions and changes of alerts.

    What came since the last seal is sealed first. What was changed, removed or slipped in is
    named. Whoever can write to the store can also write a new chain: keep the --anchor where
    they cannot, and --expect it later. Exit code 1 where something is wrong.
    """
    wanted = expect.strip().lower() if expect is not None else None
    if wanted is not None and (len(wanted) != 64 or set(wanted) - set("0123456789abcdef")):
        raise UsageError("is not a hash of 64 hexadecimal digits", at="--expect")
    with open_app(folder) as app:
        _seal(app)
        if anchor and wanted is None:
            _print_anchor(app.store.seals.head().hash, as_json)
            return
        found = app.store.seals.verify()
        is_cut = wanted is not None and not app.store.seals.has(wanted)
    if as_json:
        print_json(_as_json(found, is_cut))
    elif anchor:
        say(found.head.hash)
    else:
        _print(found, is_cut)
    if found.wrong or is_cut:
        click.get_current_context().exit(1)


def _seal(app: App) -> None:
    from forecast.store.seals import UNREADABLE

    try:
        app.store.seals.seal(utc_now())
    except UNREADABLE:
        note("what came since the last seal cannot be sealed: the store holds what it cannot read")


def _print_anchor(hash_: str, as_json: bool) -> None:
    if as_json:
        print_json({"schema_version": 1, "hash": hash_})
    else:
        say(hash_)


def _print(found: "Verified", is_cut: bool) -> None:
    for wrong in found.wrong[:SHOWN]:
        say(f"{wrong.what}: {wrong.where}")
    if len(found.wrong) > SHOWN:
        say(f"and {len(found.wrong) - SHOWN} more")
    if is_cut:
        say("the expected hash is in no seal: the chain was cut or written anew")
    thinned = f", {found.thinned} of them thinned by retention" if found.thinned else ""
    rows = f"{found.rows} rows in {found.seals} seal{'s' * (found.seals != 1)}{thinned}"
    if found.wrong or is_cut:
        say(f"NOT as it was sealed: {rows}")
    else:
        say(f"All as it was sealed: {rows}; head {found.head.hash}")


def _as_json(found: "Verified", is_cut: bool) -> dict[str, Any]:
    head = found.head
    return {
        "schema_version": 1,
        "ok": not found.wrong and not is_cut,
        "seals": found.seals,
        "rows": found.rows,
        "thinned": found.thinned,
        "wrong": [asdict(wrong) for wrong in found.wrong],
        "has_expected": not is_cut,
        "head": {
            "number": head.number,
            "sealed_at": format_instant(head.sealed_at) if head.sealed_at else None,
            "hash": head.hash,
        },
    }
