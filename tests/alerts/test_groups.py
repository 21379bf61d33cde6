"""Several notices as one message."""

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest

from alerts.forming import form
from alerts.groups import MOST_BYTES, group_facts, member
from forecast.alert import Notice
from tests.alerts.notice_samples import (
    DESK,
    FACTS,
    FIRING,
    HOUR,
    NOW,
    OUTCOME,
    REMINDER,
    RESOLVED,
    a,
    digest,
)


def test_a_group_is_as_severe_as_what_rings_in_it_and_small_whatever_it_says() -> None:
    ended = a(RESOLVED, "q0", severity="page")
    assert group_facts("group", [ended, a(FIRING, "q1")], NOW)["severity"] == "warning"
    assert group_facts("group", [ended], NOW)["severity"] == "page"
    nasty = replace(a(FIRING), facts=FACTS["nasty"] | {"detail": "界" * 600})
    members = group_facts("group", [nasty] * 100, NOW)["members"]
    assert len(json.dumps(members)) <= MOST_BYTES
    assert all(one["subject"]["title"] for one in members)


def test_a_member_keeps_what_its_kind_has_to_say() -> None:
    outcome = member(replace(a(OUTCOME), facts=FACTS["outcome"]))
    assert (outcome["kind"], outcome["outcome"]) == ("outcome", "yes")
    reminder = member(replace(a(REMINDER), facts=FACTS["reminder"]))
    assert (reminder["number"], reminder["since"]) == (3, "2025-11-17T10:00:00Z")
    retuned = member(replace(a(FIRING), facts=FACTS["firing"] | {"cause": "prior"}))
    assert retuned["cause"] == "prior"
    old = member(replace(a(FIRING), facts=FACTS["old"]))
    assert old["subject"]["id"] == FACTS["old"]["question"]["id"]
    assert old["rule"] == {"id": "r", "kind": "threshold"}


def test_a_group_of_very_long_ids_goes_in_as_many_messages_as_it_takes() -> None:
    waiting = [_named("ы" * 120 + str(n)) for n in range(100)]
    formed = form(waiting, DESK, NOW)
    assert [one for _, ids in formed.deliveries for one in ids] == [n.notice_id for n in waiting]
    sizes = [len(json.dumps(d.facts["members"])) for d, _ in formed.deliveries]
    assert max(sizes) <= MOST_BYTES
    assert len(sizes) < 10


def _named(subject: str) -> Notice:
    link = f"https://t.example/questions/{quote(subject)}"
    about = {"subject": {"kind": "question", "id": subject, "title": "t"}, "link": link}
    return replace(a(FIRING, subject), facts=FACTS["firing"] | about)


@pytest.mark.parametrize(
    "broken", [{"subject": [1]}, {"subject": {"title": None}}, {"detail": None}, {"rule": "r"}]
)
@pytest.mark.parametrize("make", [a, digest])
def test_a_broken_row_stops_no_other_and_is_held_with_the_reason(
    make: Callable[..., Notice], broken: dict[str, object]
) -> None:
    waiting = [make(FIRING, f"q{n}") for n in range(10)] + [make(RESOLVED, "q3")]
    waiting[3] = replace(waiting[3], facts=waiting[3].facts | broken)
    formed = form(waiting, DESK, NOW + 24 * HOUR)
    told = [one for _, ids in formed.deliveries for one in ids]
    assert told == [n.notice_id for n in waiting if n.subject != "q3"]
    assert [one for one, _ in formed.held] == [waiting[3].notice_id, waiting[10].notice_id]
    assert formed.held[0][1].startswith("its facts are broken")
