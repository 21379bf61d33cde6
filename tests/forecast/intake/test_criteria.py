"""What criteria must say so that a question can be checked, and which words say too little."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.intake.criteria import faults, unclear_in, vague, with_source
from tests.jobs.ending_desk import question

FLAGSHIP = Path(__file__).resolve().parents[3] / "examples" / "venezuela-2025" / "questions.csv"
CONDITION, SOURCE, ZONE = "state no condition", "name no source", "without a time zone"


@pytest.mark.parametrize(
    "criteria",
    [
        "Resolves YES if the BLS reports a CPI above 3 % for May 2026.",
        "This will resolve as Yes if X holds an election, according to Reuters, AP or AFP.",
        "The question resolves positively if https://example.org/table lists more than 10 cases.",
        'This resolves to "Yes" if the Fed cuts by 25 bps, per the FOMC statement. Otherwise No.',
        "Yes if the listing is published in the Federal Register by 23:59 UTC on the deadline.",
        "Counts only if the strike is confirmed by the port authority before 6 pm GMT.",
        "Yes if a named storm makes landfall, as recorded in HURDAT2, by 18:00Z.",
        "Resolves Yes when the court issues its ruling, as shown on its site at 12:00 CET.",
        "Yes if both sides announce a halt to the fighting by 23:59+02:00.",
        "Yes if the port is closed for three days or more. Source: Lloyd's List.",
    ],
)
def test_criteria_with_a_condition_and_a_source_can_be_checked(criteria: str) -> None:
    assert faults(criteria) == []


@pytest.mark.parametrize(
    ("criteria", "wrong"),
    [
        ("", ["are empty"]),
        (" \n ", ["are empty"]),
        ("strike", [CONDITION, SOURCE]),
        ("War breaks out soon", [CONDITION, SOURCE]),
        ("Yes if it happens", [CONDITION, SOURCE]),
        ("Yes if there is a big strike somewhere in the port.", [SOURCE]),
        ("As reported by Reuters there is a strike in the port.", [CONDITION]),
        ("Yes if the port says so, as reported by AP by 6 pm.", [ZONE]),
        ("Yes if the port is shut at 18:30 local time, as reported by AP.", [ZONE]),
        ("Yes if shut from 08:00 UTC to 18:30, as reported by AP.", [ZONE]),
    ],
)
def test_what_criteria_leave_out_is_named(criteria: str, wrong: list[str]) -> None:
    found = faults(criteria)
    assert len(found) == len(wrong)
    for words, expected in zip(found, wrong, strict=True):
        assert expected in words


def test_the_flagships_criteria_can_be_checked_but_for_two_that_name_no_source() -> None:
    rows = list(csv.DictReader(FLAGSHIP.read_text("utf-8").splitlines()))
    lacking = {r["question_id"] for r in rows if faults(r["resolution_criteria"])}
    assert lacking == {"uv-leader-removed-1231", "uv-leader-removed-0131"}


def test_a_source_that_is_given_apart_becomes_part_of_the_criteria() -> None:
    said = with_source("Yes if the port is shut for a day", " the port's gazette. ")
    assert said == "Yes if the port is shut for a day. Source: the port's gazette."
    assert faults(said) == []
    assert with_source("Yes if so!", "AP") == "Yes if so! Source: AP."
    assert with_source(" Yes if so. ", "") == "Yes if so."


def test_a_source_alone_is_no_condition() -> None:
    assert [CONDITION in words for words in faults(with_source("", "AP"))] == [True]


def test_words_that_two_readers_take_differently_are_found_once_each() -> None:
    assert vague("Yes if a Significant rise comes soon; significant means large-scale.") == [
        "significant",
        "soon",
        "large-scale",
    ]
    assert vague("Yes if at least 3 ships are seized, as reported by the port.") == []


def test_questions_that_cannot_be_checked_are_listed_with_what_they_lack() -> None:
    bad = replace(question("bad"), resolution_criteria="")
    assert unclear_in([question(), bad]) == [("bad", "are empty")]
