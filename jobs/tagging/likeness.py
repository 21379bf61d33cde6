"""Whether two sentences are one, reprinted: the share of their runs of three words in common.

The runs of a sentence are hashed, and the 64 smallest kept: of two such sketches the share of
the smallest 64 of both that both have estimates |A and B| / |A or B| (Broder, "On the
resemblance and containment of documents", 1997); a sentence of up to 66 words is kept whole.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from zlib import crc32

from forecast.candidate import Candidate
from jobs.tagging.words import words

RUN = 3  # words
KEPT = 64  # hashes
SAME = 0.5  # the likeness from which on two sentences are one


def sketch(sentence: str) -> tuple[int, ...]:
    """What a sentence is compared by: up to 64 numbers, ascending."""
    found = words(sentence)
    runs = {" ".join(found[n : n + RUN]) for n in range(max(1, len(found) - RUN + 1))}
    return tuple(sorted({crc32(run.encode("utf-8", "surrogatepass")) for run in runs})[:KEPT])


def likeness(one: Sequence[int], other: Sequence[int]) -> float:
    """How alike two sentences are by their sketches, 0 to 1.

    >>> a = sketch("The navy sent two ships to the coast on Monday.")
    >>> likeness(a, sketch("The Navy sent two ships to the coast on Monday")), likeness(a, (1,))
    (1.0, 0.0)
    """
    left, right = set(one), set(other)
    both = sorted(left | right)[:KEPT]
    return sum(h in left and h in right for h in both) / len(both) if both else 0.0


def is_same(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two sentences are one."""
    return likeness(one, other) >= SAME


class Shelf:
    """Candidates by the runs of their words: what is alike is found without reading all."""

    def __init__(self, candidates: Iterable[Candidate] = ()) -> None:
        self._candidates: list[Candidate] = []
        self._by_run: dict[int, list[int]] = defaultdict(list)
        for one in candidates:
            self.add(one)

    def add(self, one: Candidate) -> None:
        """Put a candidate behind the others."""
        for run in one.sketch:
            self._by_run[run].append(len(self._candidates))
        self._candidates.append(one)

    def alike(self, one: Candidate) -> Iterator[Candidate]:
        """The candidates that say the same, in the order in which they were put."""
        shared = Counter(n for run in one.sketch for n in self._by_run.get(run, ()))
        least = SAME * len(one.sketch)  # half of both together is no less than half of one
        for number in sorted(n for n, count in shared.items() if count >= least):
            other = self._candidates[number]
            if is_same(one.sketch, other.sketch):
                yield other


def statement_of(sentence: str) -> str:
    """The words of a sentence as 32 hexadecimal digits: what is remembered to the letter."""
    text = " ".join(words(sentence))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
