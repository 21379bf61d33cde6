"""`tocsin sources pull`: pull one source now, or see what it would bring."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import OutsideError, UsageError
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from forecast.intake.rows import Fact
    from jobs.sources.preview import Preview
    from jobs.sources.pull import Pull

SHOWN = 20


@click.command("pull")
@click.argument("source")
@click.option("--dry-run", is_flag=True, help="Show what it would bring, and write nothing.")
@common
def command(source: str, dry_run: bool, folder: Path, as_json: bool) -> None:
    """Pull SOURCE now, due or not.

    With --dry-run its first answer is shown with the mapping applied. Rows that cannot be taken
    in are named and kept aside (`tocsin quarantine`), and the exit code is 1. It is 4 where the
    source does not answer or cannot be read.
    """
    from jobs.app import open_app
    from jobs.scheduler import owner_name
    from jobs.sources.preview import preview
    from jobs.sources.pull import pull_one
    from jobs.sources.standing import find_source

    with open_app(folder) as app:
        table = find_source(app, source)
        if dry_run:
            _show(source, preview(app, table, utc_now()), as_json)
            return
        if table.kind == "push":
            raise UsageError(f"'{source}' sends by itself and is not asked")
        pulled = pull_one(app, table, utc_now, owner_name(), early=True)
    if pulled is None:
        raise UsageError("another process is pulling it; try again in a minute", at=source)
    _say(pulled, as_json)


def _say(pulled: "Pull", as_json: bool) -> None:
    brought = pulled.brought
    if pulled.failure:
        raise OutsideError(pulled.failure, at=pulled.source_id)
    counts = {
        "new": brought.new,
        "same": brought.same,
        "corrected": brought.corrected,
        "bad": brought.bad,
        "skipped": brought.skipped,
    }
    if as_json:
        body = {"schema_version": 1, "source": pulled.source_id, **counts}
        print_json(body | {"remark": pulled.remark, "is_whole": pulled.is_whole})
    else:
        say(
            f"{pulled.source_id}: {brought.new} new, {brought.same} known, "
            f"{brought.corrected} corrected"
            + (f", {brought.skipped} passed over" if brought.skipped else "")
            + (f", {brought.bad} bad and kept aside" if brought.bad else "")
        )
        if pulled.remark:
            note(f"tocsin: {pulled.source_id}: {pulled.remark}")
        if not pulled.is_whole:
            note(f"tocsin: {pulled.source_id}: there is more, which comes with the next pull")
    if brought.bad:
        raise click.exceptions.Exit(1)


def _show(source: str, found: "Preview", as_json: bool) -> None:
    rows = [_fact_json(fact) for fact in found.facts]
    articles = [
        {
            "article_id": one.article_id,
            "known_at": format_instant(one.known_at),
            "source": one.source,
            "title": one.title,
            "url": one.url,
        }
        for one in found.articles
    ]
    bad = [{"item": place, "reason": reason} for place, reason in found.bad]
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "source": source,
                "rows": rows,
                "articles": articles,
                "bad": bad,
                "files": [path.name for path in found.files],
                "skipped": found.skipped,
                "more": found.more,
                "remark": found.remark,
            }
        )
        return
    lines = [" · ".join(f"{k} {v}" for k, v in row.items() if v not in ("", None)) for row in rows]
    lines += [f"{one['known_at']}  {one['title']}  ({one['source']})" for one in articles]
    lines += [path.name for path in found.files]
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN:
        say(f"... and {len(lines) - SHOWN} more")
    for one in bad[:SHOWN]:
        note(f"tocsin: {source}: {one['item']}: {one['reason']}")
    passed = f", {found.skipped} passed over" if found.skipped else ""
    say(f"{source} would bring {len(lines)}, {len(bad)} bad{passed}; nothing was written")
    if found.remark:
        note(f"tocsin: {source}: {found.remark}")


def _fact_json(fact: "Fact") -> dict[str, Any]:
    from dataclasses import asdict
    from datetime import datetime

    return {
        name: format_instant(value) if isinstance(value, datetime) else value
        for name, value in asdict(fact).items()
    }
