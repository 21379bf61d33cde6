"""What may be asked for through the API, kind by kind: its arguments, and who may ask.

The web takes a request in and stores it; `jobs.requests` does it. Both read it here, so that
what was taken in can be done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
)

from forecast.access import Scope
from forecast.errors import UsageError
from forecast.fields import PositiveDays
from forecast.names import did_you_mean

MOST = 1_000  # names in one request


def _storable(text: str) -> str:
    """ValueError for what no database holds."""
    if "\0" in text:
        raise ValueError("holds a NUL byte")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    return text


Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)]
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=10_000, strip_whitespace=True),
    AfterValidator(_storable),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_storable)]
Names = Annotated[list[Name], Field(min_length=1, max_length=MOST)]
Patterns = Annotated[list[Name], Field(min_length=1, max_length=MOST)]
_EVERY = ("*",)


class Arguments(BaseModel):
    """The arguments of one kind of request; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Resolve(Arguments):
    """How a question ended, as `tocsin questions resolve` says it."""

    question: Name
    outcome: Literal["yes", "no", "void"]
    reason: Words
    at: AwareDatetime | None = None


class Reopen(Arguments):
    """To take back how a question ended, as `tocsin questions reopen`."""

    question: Name
    reason: Words


class OpenQuestion(Arguments):
    """A question that can be checked, as `tocsin questions open` asks for it.

    `source` is by whose word it is judged, where its criteria do not say; with `backdated` its
    window may lie in the past.
    """

    question_id: Name
    title: Words
    unit: Name
    definition: Name
    deadline: AwareDatetime
    resolution_criteria: Words
    opens_at: AwareDatetime | None = None
    source: Text = ""
    notes: Text = ""
    at_least: Annotated[int, Field(strict=True, ge=1, le=999_999)] = 1
    backdated: StrictBool = False


class Update(Arguments):
    """Estimates of the open questions that any of the shell patterns fits, now."""

    questions: Patterns = Field(default=list(_EVERY))


class Acknowledge(Arguments):
    """That an episode is known, as `tocsin alerts ack`; `subject` is what the rule is about."""

    rule: Name
    subject: Name
    note: Text = ""


class Silence(Arguments):
    """That what fits is not to ring, as `tocsin alerts silence`; from now on where not said."""

    reason: Words
    rules: Patterns = Field(default=list(_EVERY))
    questions: Patterns = Field(default=list(_EVERY))
    units: Patterns = Field(default=list(_EVERY))
    tags: Patterns = Field(default=list(_EVERY))
    severities: Patterns = Field(default=list(_EVERY))
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    lasts: PositiveDays | None = Field(default=None, examples=["2 hours", "3 days"])


class EndSilence(Arguments):
    """To end a silence now."""

    silence: Name


class Replay(Arguments):
    """To send deliveries again that were given up, all or none."""

    deliveries: Names


class EnableChannel(Arguments):
    """To let a channel try again that was switched off."""

    channel: Name


class SetPrior(Arguments):
    """New words for one belief, as `tocsin priors set`; watch.toml is edited."""

    definition: Name
    key: Name
    words: Words
    reason: Words


class Join(Arguments):
    """That reports tell of one thing: into the incident of the first of them."""

    reports: Names
    reason: Words


class Split(Arguments):
    """That reports tell of something else than the incident they are in."""

    reports: Names
    reason: Words


class OfSchedule(Arguments):
    """A schedule of the watch, and why."""

    schedule: Name
    reason: Text = ""


class OfSource(Arguments):
    """A source of the watch, and why."""

    source: Name
    reason: Text = ""


class ConfirmCandidate(Arguments):
    """That a tagged text is a report."""

    candidate: Name
    reason: Text = ""


class EditCandidate(Arguments):
    """That a tagged text is a report in other words: what is given replaces what was found."""

    candidate: Name
    unit: Name | None = None
    tag: Name | None = None
    value: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None
    occurred_at: AwareDatetime | None = None
    summary: Text | None = None
    reason: Text = ""


class RejectCandidate(Arguments):
    """That a tagged text is no report, and why; it is remembered."""

    candidate: Name
    reason: Words


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: what it is called, its arguments, and the scope it takes."""

    name: str
    arguments: type[Arguments]
    scope: Scope = Scope.WRITE


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("resolve", Resolve),
            Kind("reopen", Reopen),
            Kind("open_question", OpenQuestion),
            Kind("update", Update),
            Kind("acknowledge", Acknowledge),
            Kind("silence", Silence),
            Kind("end_silence", EndSilence),
            Kind("replay", Replay),
            Kind("enable_channel", EnableChannel, Scope.ADMIN),
            Kind("set_prior", SetPrior, Scope.ADMIN),
            Kind("join_incidents", Join),
            Kind("split_incidents", Split),
            Kind("pause_schedule", OfSchedule, Scope.ADMIN),
            Kind("resume_schedule", OfSchedule, Scope.ADMIN),
            Kind("run_schedule", OfSchedule),
            Kind("pull_source", OfSource),
            Kind("pause_source", OfSource, Scope.ADMIN),
            Kind("resume_source", OfSource, Scope.ADMIN),
            Kind("confirm_candidate", ConfirmCandidate),
            Kind("edit_candidate", EditCandidate),
            Kind("reject_candidate", RejectCandidate),
        )
    }
)


def kind_of(name: str) -> Kind:
    """The kind of that name; UsageError, with the nearest, where there is none."""
    if name not in KINDS:
        raise UsageError(f"there is no kind of request '{name}'{did_you_mean(name, KINDS)}")
    return KINDS[name]


def read_arguments(kind: Kind, arguments: Mapping[str, Any]) -> Arguments:
    """The arguments, checked; UsageError names the first that cannot be."""
    try:
        return kind.arguments.model_validate(arguments)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, ("arguments", *wrong["loc"])))
        raise UsageError(wrong["msg"].removeprefix("Value error, "), at=place) from None


def stored(arguments: Arguments) -> dict[str, Any]:
    """The arguments as JSON values, to be read again by `read_arguments`."""
    return arguments.model_dump(mode="json", exclude_unset=True)


def moment(instant: datetime | None, otherwise: datetime) -> datetime:
    """An instant that may be left out."""
    return otherwise if instant is None else instant
