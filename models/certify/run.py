"""One run of certification: a family by name, its worlds, the certificate and its picture."""

from collections.abc import Callable

from models.certify.certificate import Certificate, digests, module_of
from models.certify.drawing import draw
from models.certify.harness import Replicate, judge, replicates
from models.certify.world import place_of_world, world_named
from models.registry import family as family_named

REPLICATES = 1000
SEED = 2026


def certify(
    family: str,
    count: int,
    seed: int,
    date: str,
    workers: int,
    on_each: Callable[[Replicate], object] = lambda _: None,
) -> tuple[Certificate, str]:
    """Live through `count` worlds; the certificate, and its picture as SVG.

    `on_each` is told of each world as it is done. ConfigError where there is no such family,
    or no world for it.
    """
    module, place = module_of(family), place_of_world(family)
    model, world = family_named(family), world_named(place, family)
    behind = digests(module, place.partition(":")[0])
    found = []
    for one in replicates(model, world, count, seed, workers):
        found.append(one)
        on_each(one)
    made = judge(family, found, seed=seed, date=date, modules=behind)
    return made, draw(family, found)
