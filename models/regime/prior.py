"""What a desk believes, as the prior of the hidden states and of what they give away.

    calm hazard     h_0 = e^log_rate, the desk's base rate
    crisis hazard   h_2 = h_0 + e^log_crisis: tension adds the desk's ceiling at most; without
                    one e^log_crisis is of h_0, and makes h_2 17 to 79 times it
    tense hazard    log h_1 lies the part sigmoid(middle) of the way from log h_0 to log h_2
    dwell times     days that a state lasts on average: calm 272..1959, tense 26..137,
                    crisis 9..48
    exit            from tense to calm with probability sigmoid(exit), 42 %..90 %, else to crisis
    stream          the incidents of a tag, or of the tags of one group that point the same way:
                    Poisson with rate r e^(beta z) in state z = 0, 1, 2
    beta            the desk's log ratio; of a group, the mixture of its members' beliefs
    r               Exponential with mean one in 60 days for each tag, by its normal score

Ranges hold 90 %. All parameters are Normal: theta is (log_rate, log_crisis, middle,
dwell_calm, dwell_tense, dwell_crisis, exit, beta of each stream, score of each stream).
Source of the defaults: crises between states in the literature on early warning, see
docs/models.md.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.covariates import Array
from models.priors.beliefs import Beliefs, Effect
from models.priors.elicit import Normal

STATES = ("calm", "tense", "crisis")
SCALARS = (
    "log_rate",
    "log_crisis",
    "middle",
    "dwell_calm",
    "dwell_tense",
    "dwell_crisis",
    "exit",
)
DWELL = (
    Normal(math.log(730.0), 0.6),
    Normal(math.log(60.0), 0.5),
    Normal(math.log(21.0), 0.5),
)
EXIT = Normal(0.95, 0.74)  # logit of a Beta(7, 3): same mean and standard deviation
MIDDLE = Normal(-0.1, 0.33)
CRISIS = Normal(math.log(36.0), 0.47)  # of the calm hazard, where no ceiling is stated
USUAL_RATE = 1 / 60.0  # incidents a day of one tag, before any was seen


@dataclass(frozen=True, slots=True)
class Prior:
    """Beliefs as arrays.

    `mean`, `sd` (7 + 2 stream,); `usual` (stream,) the mean rate a day of a stream; `stream`
    (tag,) the stream each tag is in; `names` (stream,) what a stream is called; `capped`
    whether a ceiling was stated.
    """

    mean: Array
    sd: Array
    usual: Array
    stream: tuple[int, ...]
    names: tuple[str, ...]
    capped: bool

    @classmethod
    def of(cls, beliefs: Beliefs) -> "Prior":
        """Lay out the beliefs; without tags there is one stream, and nothing ever in it."""
        effects = beliefs.columns()
        keys = [_stream_of(effect) for effect in effects]
        names = tuple(dict.fromkeys(keys))
        members = [[e for e, key in zip(effects, keys, strict=True) if key == n] for n in names]
        normals = [beliefs.log_rate, beliefs.log_ceiling or CRISIS, MIDDLE, *DWELL, EXIT]
        normals += [_mixture([e.log_ratio for e in inside]) for inside in members]
        normals += [Normal(0.0, 1.0)] * len(names)
        return cls(
            mean=np.array([n.mean for n in normals]),
            sd=np.array([n.sd for n in normals]),
            usual=np.array([len(inside) * USUAL_RATE for inside in members]),
            stream=tuple(names.index(key) for key in keys),
            names=names,
            capped=beliefs.log_ceiling is not None,
        )

    def parameters(self) -> tuple[str, ...]:
        """The names of theta's places."""
        betas = tuple(f"beta.{name}" for name in self.names)
        return (*SCALARS, *betas, *(f"score.{name}" for name in self.names))


def _stream_of(effect: Effect) -> str:
    """The tag itself, or its group with the way it points."""
    if not effect.group:
        return effect.tag
    return f"{effect.group}{'-' if effect.log_ratio.mean < 0 else '+'}"


def _mixture(beliefs: list[Normal]) -> Normal:
    """The Normal with the mean and the spread of an equal mixture."""
    means, sds = (np.array([getattr(b, part) for b in beliefs]) for part in ("mean", "sd"))
    return Normal(float(means.mean()), float(np.sqrt(means.var() + (sds**2).mean())))
