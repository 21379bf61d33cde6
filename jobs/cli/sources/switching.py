"""What `enable` and `disable` have in common."""

from pathlib import Path

from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from jobs.cli.options import print_json, say


def switch(source: str, reason: str, folder: Path, *, is_off: bool, as_json: bool) -> None:
    """Switch a source, and say who did."""
    from jobs.app import open_app
    from jobs.prior_ledger import author_name
    from jobs.sources.standing import find_source

    if is_off and not reason.strip():
        raise UsageError("say why, with --reason")
    now, author = utc_now(), author_name()
    with open_app(folder) as app:
        table = find_source(app, source)
        app.store.sources.switch(table.id, now, is_off=is_off, author=author, reason=reason.strip())
    if as_json:
        body = {"schema_version": 1, "source": source, "is_off": is_off, "author": author}
        print_json(body | {"reason": reason.strip(), "at": format_instant(now)})
        return
    say(f"{source}: switched {'off' if is_off else 'on'} by {author}")
