"""Facts and forecasts as bytes without pickle: what is sent to workers, kept and digested."""

import hashlib
import io
import json
import zlib
from typing import Any
from zipfile import BadZipFile

import numpy as np

from forecast.backtest import Forecasts
from forecast.errors import StoreError
from models.panel.facts import Facts, Spans, Stream

FIELDS = ("unit", "name", "occurred", "known", "value")
DAMAGE = (
    ValueError, KeyError, TypeError, EOFError, OSError, RuntimeError, BadZipFile, zlib.error,
)  # fmt: skip


def pack_facts(facts: Facts) -> bytes:
    """Facts as a NumPy archive; equal facts give equal bytes."""
    head = {"units": facts.units, "tags": facts.tags, "kinds": facts.kinds}
    arrays: dict[str, Any] = {"head": np.array(json.dumps(head))}
    for name, stream in (("indicators", facts.indicators), ("events", facts.events)):
        arrays |= {f"{name}_{field}": getattr(stream, field) for field in FIELDS}
    if facts.spans is not None:
        spans = facts.spans
        arrays |= {"span_unit": spans.unit, "span_start": spans.start, "span_end": spans.end}
    return _archive(arrays)


def unpack_facts(packed: bytes) -> Facts:
    """The inverse of `pack_facts`."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as saved:
        head = json.loads(str(saved["head"]))
        rows, events = (
            Stream(*(saved[f"{name}_{field}"] for field in FIELDS))
            for name in ("indicators", "events")
        )
        spans = None
        if "span_unit" in saved:
            spans = Spans(*(saved[f"span_{field}"] for field in ("unit", "start", "end")))
    units, tags, kinds = (tuple(head[name]) for name in ("units", "tags", "kinds"))
    return Facts(units, tags, kinds, rows, events, spans)


def pack_forecasts(rows: Forecasts) -> bytes:
    """The rows of a walk as a NumPy archive; equal rows give equal bytes."""
    fields = ("unit", "origin", "p", "lower", "upper", "outcome", "event_at")
    arrays = {field: getattr(rows, field) for field in fields}
    arrays |= {f"baseline_{name}": p for name, p in rows.baselines.items()}
    head = {"units": rows.units, "baselines": list(rows.baselines)}
    return _archive(arrays | {"head": np.array(json.dumps(head))})


def unpack_forecasts(packed: bytes, run_id: str | None = None) -> Forecasts:
    """The inverse of `pack_forecasts`; StoreError, of that run, where the bytes were damaged."""
    try:
        return _read_forecasts(packed)
    except DAMAGE:
        raise StoreError("the forecasts that are kept are damaged", at=run_id) from None


def _read_forecasts(packed: bytes) -> Forecasts:
    with np.load(io.BytesIO(packed), allow_pickle=False) as saved:
        head = json.loads(str(saved["head"]))
        return Forecasts(
            units=tuple(head["units"]),
            unit=saved["unit"],
            origin=saved["origin"],
            p=saved["p"],
            lower=saved["lower"],
            upper=saved["upper"],
            outcome=saved["outcome"],
            event_at=saved["event_at"],
            baselines={name: saved[f"baseline_{name}"] for name in head["baselines"]},
        )


def digest_of(*parts: bytes | str) -> str:
    """SHA-256 over parts, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()


def _archive(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
