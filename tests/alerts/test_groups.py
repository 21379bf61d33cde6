"""Several notices as one message."""

import json
from dataclasses import replace

from alerts.groups import MOST_BYTES, group_facts, member
from tests.alerts.notice_samples import FACTS, FIRING, NOW, OUTCOME, REMINDER, RESOLVED, a


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
    old = member(replace(a(FIRING), facts=FACTS["old"]))
    assert old["subject"]["id"] == FACTS["old"]["question"]["id"]
    assert old["rule"] == {"id": "r", "kind": "threshold"}
