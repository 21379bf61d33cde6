"""Tagging as tables: what watch.toml says of it, and the format of a rule pack.

    [tagging]                       # in watch.toml
    packs = ["tagging.toml"]
    accept = "ask"                  # or "write": what is found becomes a report unasked
    min_score = 0.5

    # tagging.toml
    [terms]
    vessel = ["boat*", "ship*", "vessel*"]

    [[units]]
    unit = "usa-ven"
    all_of = [["US", "Trump"], ["venezuela*", "caracas"]]

    [[rules]]
    id = "strike-at-sea"
    tag = "military.strike-at-sea"
    phrases = ["struck", "strike*"]
    requires = ["@vessel"]

A phrase is words as they stand in a text; `*` at its end stands for any ending. One that is
written in capitals only (US, CIA) fits capitals only. `@name` stands for a list of [terms].
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from forecast.alert_tables import Table
from forecast.errors import ConfigError
from forecast.fields import Identifier
from forecast.names import did_you_mean

MOST_BYTES = 1 << 22  # of a pack
MOST_PHRASE = 200  # characters
Share = Annotated[float, Field(ge=0.0, le=1.0, strict=True)]


def _phrase(text: str) -> str:
    if not text.strip(" *@"):
        raise ValueError(f"the phrase '{text}' holds no word")
    if len(text) > MOST_PHRASE:
        raise ValueError(f"a phrase is longer than {MOST_PHRASE} characters")
    if "*" in text[:-1]:
        raise ValueError(f"the phrase '{text}' has a * that is not at its end")
    return text


Phrase = Annotated[str, AfterValidator(_phrase)]
Phrases = Annotated[list[Phrase], Field(min_length=1)]


class TaggingTable(Table):
    """Which packs read the articles that come in, and what becomes of what they find.

    Candidates of a score below `min_score` are left out. With `accept` = "ask" they wait until
    somebody confirms them; with "write" they are reports at once, but for what was rejected.
    """

    packs: Annotated[list[str], Field(min_length=1)]
    accept: Literal["ask", "write"] = "ask"
    min_score: Share = 0.5


class UnitNames(Table):
    """By which names a unit is known: of every list in `all_of` one must be there."""

    unit: Identifier
    all_of: Annotated[list[Phrase | Phrases], Field(min_length=1)]


class CueTable(Table):
    """Words that turn what stands near them: denied, could, threatened to.

    It bears on hits that begin within `words` words after it, before it, or anywhere in its
    sentence.
    """

    kind: Literal["negation", "hypothetical"]
    phrases: Phrases
    scope: Literal["after", "before", "sentence"] = "after"
    words: int = Field(default=8, ge=1, le=60, strict=True)


class Turned(Table):
    """What a hit is under a cue: of another tag, another value, or both."""

    tag: str | None = None
    value: Share | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.tag is None and self.value is None:
            raise ValueError("needs a tag or a value")
        return self


Effect = Literal["drop", "keep", "lower"] | Turned


class Strength(Table):
    """The value of a hit beside which one of some phrases stands; the highest counts."""

    value: Share
    phrases: Phrases


class TagRule(Table):
    """What is taken for a statement of a tag.

    A sentence is a hit where one of `phrases` or `patterns` fits and of each list in `requires`
    something stands beside it (within `within` words, or anywhere in the sentence), and nothing
    of `excludes` does. It is about one of `units` (any of the pack's) whose names are in the
    sentence, or in the article; with `assume` about the first of them where no name says so.
    `negated` and `hypothetical` say what becomes of it under a cue: "drop", "keep", "lower" (half
    the value) or another tag or value. `score` is how sure the rule is. `most` is how many
    statements of its tag one article can make about one unit and day.
    """

    id: Identifier
    tag: str
    units: list[str] = []
    value: Share = 0.5
    score: Share = 0.8
    credibility: int = Field(default=6, ge=1, le=6, strict=True)
    phrases: list[Phrase] = []
    patterns: list[str] = []
    requires: list[Phrase | Phrases] = []
    within: int | None = Field(default=None, ge=1, le=200, strict=True)
    excludes: list[Phrase] = []
    assume: bool = False
    negated: Effect = "drop"
    hypothetical: Effect = "lower"
    strengths: list[Strength] = []
    most: int = Field(default=1, ge=1, le=50, strict=True)
    why: str = ""

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not self.phrases and not self.patterns:
            raise ValueError("needs phrases or patterns")
        if self.assume and not self.units:
            raise ValueError("assume needs units, to say which one")
        return self


class Pack(Table):
    """A file of rules, with its lists of terms, names of units, cues and newsrooms.

    `origins` are newsrooms with the names by which texts that draw on them call them.
    """

    title: str = ""
    terms: dict[str, Phrases] = {}
    units: list[UnitNames] = []
    cues: list[CueTable] = []
    origins: dict[str, Phrases] = {}
    rules: Annotated[list[TagRule], Field(min_length=1)]

    @field_validator("rules")
    @classmethod
    def _no_twins(cls, rules: list[TagRule]) -> list[TagRule]:
        names = [rule.id for rule in rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two of them have the id '{name}'")
        return rules

    def listed(self, phrases: Phrase | list[Phrase], around: tuple[str, ...] = ()) -> list[str]:
        """The phrases, those of [terms] in the place of their names; ValueError for no such."""
        found: list[str] = []
        for phrase in [phrases] if isinstance(phrases, str) else phrases:
            name = phrase.removeprefix("@")
            if name == phrase:
                found.append(phrase)
            elif name in around:
                raise ValueError(f"the list '{name}' of [terms] holds itself")
            elif name in self.terms:
                found += self.listed(self.terms[name], (*around, name))
            else:
                raise ValueError(f"no list '{name}' in [terms]" + did_you_mean(name, self.terms))
        return found


def read_pack(path: Path) -> Pack:
    """The pack that a file holds; ConfigError names the file and the rule or key."""
    return parse_pack(_text(path), path.name)


def parse_pack(text: str, name: str) -> Pack:
    """Check the text of a pack; ConfigError names the file and the rule or key."""
    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(f"is not TOML: {error}", at=name) from None
    try:
        return Pack.model_validate(told)
    except ValidationError as error:
        raise _config_error(error, told, name) from None


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # a pipe is never opened: its reader waits until somebody writes
            words = "is not a regular file" if path.exists() else "is not there"
            raise ConfigError(f"{path} {words}", at="tagging.packs")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", at=path.name) from None
    if len(data) > MOST_BYTES:
        raise ConfigError(f"is longer than {MOST_BYTES} bytes", at=path.name)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", at=path.name) from None


def _config_error(error: ValidationError, told: dict[str, Any], name: str) -> ConfigError:
    first = error.errors(include_url=False, include_input=False)[0]
    keys = [str(part) for part in first["loc"]]
    words = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        tables: dict[str, type[Table]] = {"rules": TagRule, "units": UnitNames, "cues": CueTable}
        table = Pack if len(keys) == 1 else tables.get(keys[0])
        words = "unknown key" + (did_you_mean(keys[-1], table.model_fields) if table else "")
    elif first["type"] == "missing":
        words = "is missing"
    if keys[:1] == ["rules"] and len(keys) > 1:  # a rule is known by its id, not by its place
        rules: Any = told["rules"]
        rule = rules[int(keys[1])] if keys[1].isdigit() else None
        if isinstance(rule, dict) and isinstance(rule.get("id"), str):
            keys[1] = rule["id"]
    return ConfigError(words, at=": ".join(filter(None, (name, ".".join(keys)))))
