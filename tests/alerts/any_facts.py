"""Facts of any content whatsoever, within what `alerts.facts` can make."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from forecast.alert import NoticeKind, RuleKind
from forecast.clock import format_instant

_odd = st.sampled_from("&<>\"'界𝄞 !@#*_~`|\n\r\x00\u202e\u2028%{}[]")
_short = st.text(_odd | st.characters(codec="utf-8"), max_size=40)
words = st.builds(lambda text, times: text * times, _short, st.sampled_from([1, 1, 1, 10, 300]))
p = st.floats(0.0, 1.0)
moments = st.integers(0, 4_000_000_000).map(
    lambda seconds: format_instant(datetime.fromtimestamp(seconds, UTC))
)
links = st.sampled_from(["", "https://tocsin.example/questions/a?b=1&c=2#d"]) | words.map(
    lambda text: f"https://tocsin.example/{text}"
)
kinds = st.sampled_from(list(NoticeKind)).map(str)
severities = st.sampled_from(["page", "warning", "info"])
reasons = st.sampled_from(
    ["threshold_crossed", "cleared", "rule_changed", "question_resolved", "rule_removed"]
)
numbers = st.none() | p
spans = st.none() | st.floats(0.0, 3e9)
amounts = st.floats(1e-300, 1e300)
subjects = st.fixed_dictionaries(
    {"kind": st.sampled_from(["question", "unit", "channel"]), "id": words, "title": words}
)
previous = st.none() | st.fixed_dictionaries({"probability": p, "at": st.none() | moments})


def rules(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A rule of one kind, with the numbers that its kind has."""
    is_loss = kind == RuleKind.LOSS
    return st.fixed_dictionaries(
        {
            "id": words,
            "kind": st.just(kind),
            "fire_at": st.floats(0.0, 6.9) if kind == RuleKind.CHANGE else p,
            "clear_at": st.floats(0.0, 6.9) if kind == RuleKind.CHANGE else p,
            "level": p if kind == RuleKind.CERTAINTY else st.none(),
            "direction": st.sampled_from([None, "up", "down", "either"]),
            "cost": amounts if is_loss else st.none(),
            "loss": amounts if is_loss else st.none(),
            **dict.fromkeys(("over", "within", "after", "repeat"), spans),
        }
    )


def _moves() -> st.SearchStrategy[dict[str, Any] | None]:
    causes = st.sampled_from(["time", "evidence", "a cause of later"])
    return st.none() | st.fixed_dictionaries({"from": p, "to": p, "main_cause": causes})


def _contributions() -> st.SearchStrategy[list[dict[str, Any]]]:
    factor = st.none() | st.floats(0.0, 1e9)
    one = {"meaning": words, "multiplier": st.fixed_dictionaries({"median": factor})}
    return st.lists(st.fixed_dictionaries({**one, "incidents": st.integers(0, 99)}), max_size=5)


def _whole(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    on_question = kind not in (RuleKind.STALE, RuleKind.CHANNEL)
    question = st.fixed_dictionaries({"id": words, "title": words, "deadline": moments})
    interval = st.fixed_dictionaries({"lower": p, "upper": p})
    model = st.fixed_dictionaries({"name": words, "hash": words})
    crowd = st.fixed_dictionaries({"source": words, "probability": p})
    note = st.fixed_dictionaries({"author": words, "note": words, "at": moments})
    baseline = st.fixed_dictionaries({"probability": p, "named": words})
    return st.fixed_dictionaries(
        {
            "kind": kinds,
            "subject": subjects,
            "question": question if on_question else st.none(),
            "probability": numbers,
            "interval": st.none() | interval,
            "previous": previous,
            "baseline": st.none() | baseline,
            "certainty": numbers,
            "rule": rules(kind),
            "severity": severities,
            "episode": st.integers(1, 10**9),
            "reason": reasons,
            "detail": words,
            "outcome": st.sampled_from(["", "yes", "no", "void", "expired"]),
            "at": moments,
            "as_of": st.none() | moments,
            "moved": _moves(),
            "contributions": _contributions(),
            "model": st.none() | model,
            "crowd": st.lists(crowd, max_size=3),
            "link": links,
        },
        optional={
            "number": st.integers(1, 10**6),
            "since": moments,
            "acknowledged": note,
        },
    )


members = st.fixed_dictionaries(
    {
        "kind": kinds,
        "subject": subjects,
        "probability": numbers,
        "previous": previous,
        "severity": severities,
        "rule": st.fixed_dictionaries(
            {"id": words, "kind": st.sampled_from(list(RuleKind)).map(str)}
        ),
        "episode": st.integers(1, 99),
        "reason": reasons,
        "detail": words,
        "at": moments,
        "link": links,
        "notice_id": words,
    }
)
alerts = st.sampled_from(list(RuleKind)).map(str).flatmap(_whole)
groups = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["group", "digest"]),
        "at": moments,
        "severity": severities,
        "link": st.just(""),
        "members": st.lists(members, min_size=1, max_size=12).flatmap(
            lambda few: st.sampled_from([few, few * 8])
        ),
    }
)
tests = st.fixed_dictionaries(
    {
        "kind": st.just("test"),
        "channel": words,
        "at": moments,
        "severity": st.just("info"),
        "link": links,
    }
)
any_facts = alerts | alerts | groups | tests
