"""Coherence of the questions of one track: what contains another is never less likely.

Log-odds pools of each question by itself need not respect that a wider definition, a longer
window or a smaller number of events is likelier, nor that parts make up the whole: of members
who disagree on the parts, the pooled parts fall short. Each p is raised to what the others imply:

    contained in   P(B) >= P(A) where every way of A coming true is one of B
    parts          P(part) + P(rest) >= P(whole), both raised in proportion
"""

from collections.abc import Iterator, Sequence

from forecast.question import Question
from models.priors.beliefs import Beliefs


def coherent(
    questions: Sequence[Question], p: dict[str, float], beliefs: Beliefs
) -> dict[str, float]:
    """p by question id, none of them lowered."""
    ordered = _raised(questions, p, beliefs)
    whole = dict(ordered)
    for of, part, rest in _parts(questions, beliefs):
        total = ordered[part] + ordered[rest]
        if 0.0 < total < ordered[of]:
            for one in (part, rest):
                whole[one] = max(whole[one], ordered[one] * ordered[of] / total)
    return _raised(questions, whole, beliefs)


def _raised(
    questions: Sequence[Question], p: dict[str, float], beliefs: Beliefs
) -> dict[str, float]:
    return {
        wide.question_id: max(
            p[narrow.question_id] for narrow in questions if _contains(wide, narrow, beliefs)
        )
        for wide in questions
    }


def _contains(wide: Question, narrow: Question, beliefs: Beliefs) -> bool:
    """Whether the narrow one cannot come true without the wide one; each contains itself."""
    return (
        wide.opens_at <= narrow.opens_at
        and narrow.deadline <= wide.deadline
        and wide.at_least <= narrow.at_least
        and beliefs.includes(wide.definition, narrow.definition)
    )


def _parts(questions: Sequence[Question], beliefs: Beliefs) -> Iterator[tuple[str, str, str]]:
    """The ids of a question, of one on a part of it, and of one on the rest, in one window."""
    at = {(q.definition, q.opens_at, q.deadline): q.question_id for q in questions if _is_one(q)}
    for rest in beliefs.narrower:
        for (definition, opens_at, deadline), of in at.items():
            if rest.rest_of is None or definition != rest.within:
                continue
            part = at.get((rest.rest_of, opens_at, deadline))
            other = at.get((rest.definition, opens_at, deadline))
            if part is not None and other is not None:
                yield of, part, other


def _is_one(question: Question) -> bool:
    return question.at_least == 1
