"""Whether outcomes that come in can stand: beside each other, and beside what is known."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from forecast.config import Config
from forecast.evidence import Resolution
from forecast.resolving import Endings
from forecast.store import Store

INSTANT = timedelta(microseconds=1)
SAID = "said"


def judged(
    store: Store, config: Config, stated: Sequence[Resolution], recorded_at: datetime
) -> list[str]:
    """Of each outcome why it cannot be stated, `SAID` where it was stated before, or "".

    One is held against the words on nested questions that stand, those before it among `stated`
    as well, and against events of a narrower kind. Of a question that is not there nothing is
    known, so that its outcome may stand.
    """
    asked = store.alerts.questions_among([row.question_id for row in stated])
    seen = store.ends.at((q.unit for q in asked.values()), recorded_at + INSTANT)
    endings = {unit: Endings(config, snapshot) for unit, snapshot in seen.items()}
    said = defaultdict(set)
    for snapshot in seen.values():
        for row in (*snapshot.earlier_resolutions, *snapshot.resolutions):
            if not (row.is_derived or row.retracted):
                said[row.question_id].add((row.outcome, row.known_at))
    found = []
    for row in stated:
        question = asked.get(row.question_id)
        if (row.outcome, row.known_at) in said[row.question_id]:
            found.append(SAID)
            continue
        of_unit = endings[question.unit] if question else None
        words = of_unit.contradiction(question, row.outcome) if of_unit and question else ""
        if of_unit and not words:
            of_unit.state(row)
        found.append(words)
    return found
