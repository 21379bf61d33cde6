"""How a run is split: into parts of whole tracks of one family, each of a few seconds' work."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from forecast.config import Config
from forecast.question import Question
from forecast.store import Share

PART_QUESTIONS = 100  # a second of the quick families, some seconds of the others
UNKNOWN = "unknown"  # the family of a question whose definition is not there: somebody must say so


def shares_of(
    config: Config, questions: Sequence[Question], most: int = PART_QUESTIONS
) -> list[Share]:
    """The parts of a run of some questions, at least one; the largest first.

    Questions of one unit and root definition are updated together and never split. What one
    family answers goes together too, so that a worker keeps what it compiled; but a run of no
    more than `most` questions is one part, which costs no more than an undivided run.
    """
    if len(questions) <= most:
        return [_share(config, questions)]
    tracks: dict[tuple[str, str, str], list[Question]] = defaultdict(list)
    for question in questions:
        root = _root(config, question)
        tracks[family_of(config, question), root, question.unit].append(question)
    parts = [
        _share(config, part)
        for family in sorted({key[0] for key in tracks})
        for part in _packed((tracks[key] for key in sorted(tracks) if key[0] == family), most)
    ]
    return sorted(parts, key=lambda share: len(share.questions), reverse=True)


def family_of(config: Config, question: Question) -> str:
    """The family that answers a question."""
    root = _root(config, question)
    return config.definitions[root].model if root else UNKNOWN


def families(config: Config) -> list[str]:
    """Every family that answers a question of this watch, sorted."""
    roots = (table.model for table in config.definitions.values() if table.within is None)
    return sorted({UNKNOWN, *roots})


def _packed(tracks: Iterable[list[Question]], most: int) -> Iterator[list[Question]]:
    """Tracks put together as long as they stay within `most` questions."""
    part: list[Question] = []
    for track in tracks:
        if part and len(part) + len(track) > most:
            yield part
            part = []
        part = [*part, *track]
    if part:
        yield part


def _share(config: Config, questions: Sequence[Question]) -> Share:
    counted = Counter(family_of(config, question) for question in questions)
    [(queue, _)] = counted.most_common(1) or [(UNKNOWN, 0)]
    return Share(queue, tuple(question.question_id for question in questions))


def _root(config: Config, question: Question) -> str:
    known = question.definition in config.definitions
    return config.root_of(question.definition) if known else ""
