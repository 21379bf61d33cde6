"""The names that a watch knows: what a fact that comes in is held against.

A name that is not known is no error, for a desk may collect before it asks; but it is said,
because a tag that is misspelt would count nowhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from forecast.config import Config
from forecast.evidence import Report
from forecast.intake.rows import Fact, known_too_early
from forecast.names import did_you_mean, matches

INCIDENT, SCHEDULED = "incident", "scheduled"
_NAMED = {
    "reports": ("unit", "tag"),
    "events": ("unit", "definition"),
    "questions": ("unit", "definition"),
    "exposure": ("unit",),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Units and definitions by name, indicators with their kind; empty where none are told.

    `patterns` fit further tags: those that are listened to at other units. `config` says which
    definitions lie inside which.
    """

    units: frozenset[str] = frozenset()
    definitions: frozenset[str] = frozenset()
    indicators: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    config: Config | None = None

    @classmethod
    def of(cls, config: Config) -> "Vocabulary":
        """The names in watch.toml."""
        return cls(
            units=frozenset(config.units),
            definitions=frozenset(config.definitions),
            indicators={tag: indicator.kind for tag, indicator in config.indicators.items()},
            patterns=tuple(
                pattern
                for definition in config.definitions.values()
                for other in definition.coupled.values()
                for pattern in other.indicators
            ),
            config=config,
        )

    def check(self, fact: Fact) -> None:
        """ValueError where a report's value or times cannot be those of an indicator of its kind.

        The value of an incident is a strength; only what is scheduled is known before it happens.
        """
        if not isinstance(fact, Report):
            return
        kind = self.indicators.get(fact.tag)
        if kind in (INCIDENT, SCHEDULED) and not 0.0 <= fact.value <= 1.0:
            raise ValueError(
                f"value {fact.value:g} is not a strength from 0 to 1, which the incidents of "
                f"{fact.tag} have (kind = 'level' takes any number)"
            )
        if fact.known_at < fact.occurred_at and kind != SCHEDULED:
            raise ValueError(known_too_early(fact.occurred_at, fact.known_at))

    def strange(self, kind: str, facts: Iterable[Fact]) -> Counter[tuple[str, str]]:
        """How many facts of a kind bear a name that is not known, by (what it is, name)."""
        facts = list(facts)
        counts: Counter[tuple[str, str]] = Counter()
        for what in _NAMED.get(kind, ()):
            names = Counter(map(attrgetter(what), facts))
            counts.update({(what, n): c for n, c in names.items() if not self._knows(what, n)})
        return counts

    def _knows(self, what: str, name: str) -> bool:
        known = self._known(what)
        is_listened_to = what == "tag" and matches(name, self.patterns)
        return not known or name in known or is_listened_to

    def _known(self, what: str) -> Collection[str]:
        names: dict[str, Collection[str]] = {"unit": self.units, "tag": self.indicators}
        return names.get(what, self.definitions)

    def guess(self, what: str, name: str) -> str:
        """'; did you mean ...?' where a known name is near."""
        return did_you_mean(name, self._known(what))
