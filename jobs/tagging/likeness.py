"""Whether two sentences are one, reprinted: the share of their runs of three words in common.

The runs of a sentence are hashed, and the 64 smallest kept: of two such sketches the share of
the smallest 64 of both that both have estimates |A and B| / |A or B| (Broder, "On the
resemblance and containment of documents", 1997); a sentence of up to 66 words is kept whole.
"""

from collections.abc import Sequence
from hashlib import blake2b
from zlib import crc32

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


def statement_of(sentence: str) -> str:
    """The words of a sentence as 32 hexadecimal digits: what is remembered to the letter."""
    text = " ".join(words(sentence))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
