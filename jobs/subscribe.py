"""A subscription, and the channel and rule it may need, as an edit of watch.toml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import registry
from alerts.api import Endpoint
from alerts.facts import test_facts
from forecast.alert import Rule, RuleKind
from forecast.alert_tables import ChannelTable, RuleTable, Subscription, alert_rules
from forecast.config import Config
from forecast.errors import ConfigError, UsageError
from forecast.names import did_you_mean, matches
from forecast.question import Question
from forecast.watch import resolve_reference
from forecast.words import parse_percent
from jobs.silencing import check_severities
from jobs.standings import watched
from jobs.watch_file import Edit, edit_watch

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Table = Mapping[str, Any]

_SORTS_OF_URL = ("https://example.invalid/", "smtps://example.invalid")


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel to be made; URL and secret are references."""

    kind: str
    url: str | None = None
    secret: str | None = None
    allow: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def table(self, channel: str) -> dict[str, Any]:
        """As it stands in watch.toml."""
        found: dict[str, Any] = {"id": channel, "kind": self.kind}
        if self.url:
            found["url"] = self.url
        if self.secret:
            found["secret"] = self.secret
        if self.allow:
            found["allow"] = list(self.allow)
        if self.options:
            found["options"] = dict(self.options)
        return found


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for: who is rung, by which rules, about which questions.

    With `fire_at` (and `clear_at`) a rule is made for the questions; it rings with the rules that
    say when a number, or a channel, cannot be relied on.
    """

    channel: str
    rules: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    made: NewChannel | None = None
    fire_at: str = ""
    clear_at: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """One rule that will ring on the channel, and what is known today that it watches."""

    rule: Rule
    questions: tuple[str, ...] = field(default=())


def edit_for(folder: Path, config: Config, wish: Wish) -> Edit | None:
    """watch.toml with the subscription, checked and not written; None where it stands already.

    UsageError for what the wish says wrongly, ConfigError where the file would not be valid.
    """
    _check_channel(config, wish)
    check_severities(wish.severities)
    rule = _rule_table(config, wish)
    new = [
        table
        for table in _subscriptions(config, wish, rule)
        if Subscription.model_validate(table) not in config.subscriptions
    ]
    if not new and rule is None and wish.made is None:
        return None

    def change(document: "TOMLDocument") -> None:
        if wish.made is not None:
            _append(document, "channels", wish.made.table(wish.channel))
        if rule is not None:
            _append(document, "rules", rule)
        for subscription in new:
            _append(document, "subscriptions", subscription)

    return edit_watch(folder, change)


def rings_on(config: Config, channel: str, questions: Sequence[Question]) -> list[Ring]:
    """What rings on a channel: every rule of watch.toml that is subscribed, with its subjects."""
    subjects: dict[str, list[str]] = {}
    for rule, target in watched(config, questions):
        if channel in config.channels_for(target):
            subjects.setdefault(rule.rule_id, []).append(target.question)
    rules = [table.rule() for table in config.rules if table.id in subjects]
    return [Ring(rule, tuple(subjects[rule.rule_id])) for rule in rules]


def guards_on(config: Config, channel: str) -> list[str]:
    """The rules by which a channel hears that a number, channel or source cannot be relied on."""
    subscribed = [s for s in config.subscriptions if s.channel == channel]
    return [
        table.id
        for table in _guards(config)
        if any(
            matches(table.id, s.rules) and matches(table.severity, s.severities) for s in subscribed
        )
    ]


def _guards(config: Config) -> list[RuleTable]:
    kinds = [RuleKind.UNHEALTHY, RuleKind.CHANNEL]
    kinds += [RuleKind.SOURCE] if config.sources else []
    tables = [table for table in alert_rules(config.rules) if table.kind in kinds]
    return sorted(tables, key=lambda table: kinds.index(table.kind))


def _subscriptions(config: Config, wish: Wish, rule: Table | None) -> list[dict[str, Any]]:
    """The subscription; another for rules on channels and sources, which nothing narrow fits."""
    where = {
        key: list(patterns)
        for key in ("questions", "units", "tags", "severities")
        if (patterns := getattr(wish, key))
    }
    channel = {"channel": wish.channel}
    if rule is None:
        rules = {"rules": list(wish.rules)} if wish.rules else {}
        return [channel | rules | where]
    heard = guards_on(config, wish.channel)
    guards = [
        table
        for table in _guards(config)
        if table.id not in heard and matches(table.severity, wish.severities or ("*",))
    ]
    is_narrow = bool(wish.questions or wish.units or wish.tags)
    apart = [t.id for t in guards if is_narrow and t.kind is not RuleKind.UNHEALTHY]
    beside = [t.id for t in guards if t.id not in apart]
    tables = [channel | {"rules": [rule["id"], *beside]} | where]
    return [*tables, channel | {"rules": apart}] if apart else tables


def _check_channel(config: Config, wish: Wish) -> None:
    known = [channel.id for channel in config.channels]
    if wish.made is None:
        if wish.channel not in known:
            hint = did_you_mean(wish.channel, known) or "; --kind and --url make one"
            raise UsageError(f"there is no channel '{wish.channel}'{hint}")
        return
    if wish.channel in known:
        raise UsageError(f"there is a channel '{wish.channel}' already; leave out --kind and --url")
    for option, text in (("--url", wish.made.url), ("--secret", wish.made.secret)):
        if text and not text.startswith(("env:", "file:")):
            raise UsageError(
                "is a secret and not written down in clear: put it into an environment variable "
                "or a file, and give env:NAME or file:PATH",
                at=option,
            )
    _check_kind(wish.channel, wish.made)


def _check_kind(channel: str, made: NewChannel) -> None:
    """The kind is installed, and has all that it needs to write a message."""
    try:
        kind = registry.kind_of(ChannelTable(id=channel, kind=made.kind))
    except ConfigError as error:
        raise UsageError(error.message, at="--kind") from None
    if made.url is None and registry.traits_of(kind).needs_url:
        raise UsageError(f"a channel of kind {made.kind} needs one, as env:NAME", at="--url")
    secret = _value(made.secret)
    if made.secret and secret is None:
        return  # not set yet: what it opens is seen when it is
    at, refused = datetime(2000, 1, 1, tzinfo=UTC), []
    for url in _urls(made.url):
        try:
            trial = kind(Endpoint(channel, url, secret, made.options))
            trial.request(test_facts(channel, at), "msg_check", at)
        except ConfigError as error:
            refused.append(error)
        else:
            return
    raise _refusal(next((e for e in refused if not (e.at or "").endswith(".url")), refused[0]))


def _urls(reference: str | None) -> list[str]:
    """The URL that is referred to, or where it is not set yet one of each sort."""
    if reference is None:
        return [""]
    known = _value(reference)
    return list(_SORTS_OF_URL) if known is None else [known]


def _value(reference: str | None) -> str | None:
    try:
        return None if reference is None else resolve_reference(reference, "")
    except ConfigError:
        return None


def _refusal(error: ConfigError) -> UsageError:
    at = error.at or ""
    if ".options" in at:
        option = at.partition(".options")[2].removeprefix(".")
        return UsageError(error.message, at=f"--option {option}=" if option else "--option")
    if at.endswith(".secret"):
        return UsageError(f"{error.message}; --secret env:NAME gives it", at="--secret")
    return UsageError(error.message, at="--url" if at.endswith(".url") else "--kind")


def _rule_table(config: Config, wish: Wish) -> dict[str, Any] | None:
    if not wish.fire_at:
        if wish.clear_at:
            raise UsageError("--clear-at goes with --fire-at")
        return None
    if wish.rules:
        raise UsageError("--fire-at makes a rule of its own: leave out --rules")
    try:
        line = parse_percent(wish.fire_at)
    except ValueError as error:
        raise UsageError(str(error), at="--fire-at") from None
    rule: dict[str, Any] = {"id": f"{wish.channel}-at-{100 * line:g}"}
    taken = {table.id for table in config.rules}
    if rule["id"] in taken:
        raise UsageError(f"there is a rule '{rule['id']}' already; --rules {rule['id']} rings it")
    rule |= {"questions": list(wish.questions or ("*",)), "fire_at": wish.fire_at}
    return rule | ({"clear_at": wish.clear_at} if wish.clear_at else {})


def _append(document: "TOMLDocument", name: str, table: Table) -> None:
    """Add a table to a list of tables, in whichever of its two forms the file has it."""
    import tomlkit

    listed: Any = document.get(name)
    if listed is None:
        listed = tomlkit.aot()
        document.append(name, listed)
        listed = document[name]
    is_inline = isinstance(listed, tomlkit.items.Array)
    entry: Any = tomlkit.inline_table() if is_inline else tomlkit.table()
    entry.update(table)
    if not is_inline:
        entry.add(tomlkit.nl())
    listed.append(entry)
