"""What keeps a notice from being told for now: silences, quiet hours, alerts that say more.

What is muted waits and is not lost. Silences and inhibition keep beginnings from ringing, and
let the end of what rang through; quiet hours and windows hold everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from alerts.facts import clean
from alerts.phrases import minute
from alerts.quiet import quiet_until
from forecast.alert import Notice, NoticeKind, Silence, Target
from forecast.alert_tables import Quiet
from forecast.names import matches
from forecast.selecting import fits

RINGS = (NoticeKind.FIRING, NoticeKind.REMINDER, NoticeKind.OUTCOME)
WORDS_LIMIT = 200  # characters of a person's reason that are repeated


@dataclass(frozen=True, slots=True)
class Mutes:
    """What may mute: `inhibited_by` the patterns of each rule, `firing` the rules on a subject.

    `heard` are the channels on which a firing rule rings on its subject, by (rule, subject):
    elsewhere it keeps nobody back. Where one is not named, it is heard everywhere.
    """

    silences: Sequence[Silence] = ()
    quiet: Sequence[Quiet] = ()
    inhibited_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    firing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    heard: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def firing_on(self, subject: str, channel: str) -> frozenset[str]:
        """The rules that fire on a subject and are heard on a channel."""
        rules = self.firing.get(subject, frozenset())
        return frozenset(
            rule for rule in rules if channel in self.heard.get((rule, subject), (channel,))
        )


def mute_reason(notice: Notice, target: Target, mutes: Mutes, now: datetime) -> str | None:
    """Why a notice is not told now, in words that follow "is" or "ended while"; None if it is."""
    if notice.kind in RINGS:
        if silence := silence_over(target, mutes.silences, now):
            return silenced_words(silence)
        if inhibitor := inhibitor_of(target, mutes, notice.channel):
            return f"kept back by rule '{inhibitor}', which fires too"
    for table in mutes.quiet:
        is_meant = matches(notice.channel, table.channels) and fits(table.selector(), target)
        if is_meant and (end := quiet_until(table, now)):
            return f"held by the quiet '{table.id}' until {minute(end)}"
    return None


def silence_over(target: Target, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """Of the silences that hold over a rule on a subject the one that ends last."""
    holding = [s for s in silences if s.starts_at <= now < s.ends_at and fits(s.selector, target)]
    return max(holding, key=lambda silence: silence.ends_at, default=None)


@lru_cache(maxsize=64)  # said of every notice that waits for its end
def silenced_words(silence: Silence) -> str:
    """Who silenced it until when, and why: `silenced by ada until ...: a drill (s-1f)`."""
    author, reason = (clean(words, WORDS_LIMIT) for words in (silence.author, silence.reason))
    until = minute(silence.ends_at)
    return f"silenced by {author} until {until}: {reason} ({silence.silence_id})"


def inhibitor_of(target: Target, mutes: Mutes, channel: str) -> str | None:
    """A rule that fires on the same question, or on its unit, and keeps this one from ringing.

    It must be heard on the `channel` itself.
    Rules that keep back each other, in however long a ring, keep nobody back: one must ring.
    """
    firing = sorted(
        mutes.firing_on(target.question, channel) | mutes.firing_on(target.unit, channel)
    )
    for rule in _inhibiting(target.rule, firing, mutes):
        if target.rule not in _all_inhibiting(rule, [*firing, target.rule], mutes):
            return rule
    return None


def _inhibiting(rule: str, firing: Sequence[str], mutes: Mutes) -> list[str]:
    patterns = mutes.inhibited_by.get(rule, ())
    return [other for other in firing if matches(other, patterns)]


def _all_inhibiting(rule: str, firing: Sequence[str], mutes: Mutes) -> set[str]:
    """Those that keep a rule back, those that keep these back, and so on."""
    found: set[str] = set()
    ahead = [rule]
    while ahead:
        ahead = [r for one in ahead for r in _inhibiting(one, firing, mutes) if r not in found]
        found.update(ahead)
    return found
