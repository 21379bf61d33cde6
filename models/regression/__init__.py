"""The families `history` and `logistic`: ridge regressions on what a class of units had.

    history    P(an event within horizon) from the unit's share of past windows, from how often it
               had events lately, and from how often the class had
    logistic   that, with the faded counts of every tag, and of level tags the last values and
               changes, age and season

They are the references of the same names, see `models.baselines`, as families that a class of
units teaches: what a backtest scores beside a panel is what a watch can publish, alone or in a
pool. Importing this imports no PyMC, and neither does updating.
"""

import hashlib

from models.priors.beliefs import Beliefs

VERSION = "1"  # of what the models compute; a change of it is a change of model


def model_hash(name: str, beliefs: Beliefs) -> str:
    """A digest of nesting, levels, horizon and the version of the computation."""
    structure = (
        *(name, VERSION, beliefs.definition, beliefs.recurrent, beliefs.observed_since),
        [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
        [e.tag for e in beliefs.effects if e.kind == "level"],
        beliefs.horizon,
    )
    return hashlib.sha256(repr(structure).encode()).hexdigest()
