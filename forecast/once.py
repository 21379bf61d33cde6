"""What follows from a configuration alone is made once: every update of every question asks."""

from collections.abc import Callable, Hashable
from typing import Any

MOST = 8  # configurations kept: an edit makes another, and a preview one or two

_kept: dict[int, tuple[object, dict[Hashable, Any]]] = {}


def once[T](of: object, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives under `key` for an object that never changes, made at the first call.

    The object itself is kept, so that its id stands for it; equal ones are not told to be.

    >>> numbers = (1, 2)
    >>> once(numbers, "sum", lambda: sum(numbers)), once(numbers, "sum", lambda: None)
    (3, 3)
    """
    kept = _kept.get(id(of))
    if kept is None or kept[0] is not of:
        if len(_kept) >= MOST:
            _kept.clear()
        kept = _kept[id(of)] = (of, {})
    made = kept[1]
    if key not in made:
        made[key] = make()
    found: T = made[key]
    return found
