"""How many events come: clusters at a Gamma-Poisson rate, of geometric size (Polya-Aeppli).

One event draws others with it (aftershocks, strikes that spread), so that counts are wider
than Poisson even at a known rate. Clusters answer whether anything happens; their mean size c
makes the counts. Limit: sizes are taken as geometric and alike in all units and windows.
"""

import numpy as np

from models.covariates import Array

PRIOR_CLUSTERS = 10.0


def cluster_size(counts: Array, expected: Array, weight: Array) -> float:
    """Mean events a cluster (>= 1): events counted in windows over clusters expected there.

    As if ten clusters of one event had been seen before: a few events say little of it.
    """
    clusters = float(weight @ expected) + PRIOR_CLUSTERS
    return max((float(weight @ counts) + PRIOR_CLUSTERS) / clusters, 1.0)


def at_least_chance(shape: Array, odds: Array, n: int, cluster: float) -> Array:
    """P(at least n events), element by element of `shape` A and `odds` H/R.

        clusters K ~ NegBin(A, success q = H / (R + H)),  sizes geometric with mean c

    by Panjer's recursion for P(N = m), m < n, with f_j = (1/c) (1 - 1/c)^(j-1) and
    P_m = sum_j q (1 + (A - 1) j / m) f_j P_(m-j).

    >>> bool(np.isclose(at_least_chance(np.array(2.0), np.array(0.5), 1, 1.0), 1 - 1.5**-2))
    True
    """
    shape, odds = np.broadcast_arrays(shape, odds)
    q = odds / (1 + odds)
    log_none = -shape * np.log1p(odds)
    if n == 1:
        return np.asarray(-np.expm1(log_none))
    sizes = (1 / cluster) * (1 - 1 / cluster) ** np.arange(n - 1)  # f_1, f_2, ...
    chances = [np.exp(log_none)]
    for m in range(1, n):
        terms = [
            q * (1 + (shape - 1) * j / m) * sizes[j - 1] * chances[m - j] for j in range(1, m + 1)
        ]
        chances.append(np.sum(terms, axis=0))
    return np.asarray(np.clip(1 - np.sum(chances, axis=0), 0.0, 1.0))
