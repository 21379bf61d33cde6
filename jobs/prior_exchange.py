"""Versions of priors compared, and carried from one desk to another as a document."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecast.clock import format_instant
from forecast.errors import InputError, UsageError
from forecast.prior import PriorVersion
from jobs.app import App
from jobs.prior_ledger import words_of

KIND, SCHEMA = "tocsin.prior", 1
MOST_BYTES = 1 << 20


def version_of(app: App, root: str, number: int | None) -> PriorVersion:
    """A version by its number, or the newest; UsageError where there is none."""
    found = app.store.prior_versions(root)
    if not found:
        raise UsageError(f"no version of the prior of '{root}' is on record: tocsin update does it")
    if number is None:
        return found[-1]
    named = next((v for v in found if v.version == number), None)
    if named is None:
        raise UsageError(f"the prior of '{root}' has versions 1 to {found[-1].version}")
    return named


def document(app: App, root: str, version: PriorVersion | None) -> dict[str, Any]:
    """A version for another desk, or watch.toml as it stands where none is given."""
    table = app.config.definitions[root]
    told: dict[str, Any] = {
        "kind": KIND,
        "schema_version": SCHEMA,
        "definition": root,
        "title": table.title,
        "model": table.model,
        "words": version.words if version else words_of(app.config, root),
    }
    if version:
        told |= {
            "version": version.version,
            "at": format_instant(version.at),
            "author": version.author,
            "reason": version.reason,
        }
    return told


def read_document(path: Path) -> dict[str, Any]:
    """A document that `document` made; InputError says what is wrong with another."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        told = json.loads(data) if len(data) <= MOST_BYTES else None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=str(path)) from None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.get("kind") != KIND:
        raise InputError("is no prior that `tocsin priors export` wrote", at=str(path))
    if told.get("schema_version") != SCHEMA:
        raise InputError("was written by a newer Tocsin", at=str(path))
    words = told.get("words")
    is_words = isinstance(words, dict) and all(isinstance(text, str) for text in words.values())
    if not is_words or not isinstance(told.get("definition"), str):
        raise InputError("lacks its definition or its words", at=str(path))
    return told


def origin_words(told: Mapping[str, Any]) -> str:
    """Where a document is from, for the record."""
    version = f"version {told['version']} of " if "version" in told else ""
    author = f" by {told['author']}" if told.get("author") else ""
    reason = f" ({told['reason']})" if told.get("reason") else ""
    return f"imported from {version}'{told['definition']}'{author}{reason}"
