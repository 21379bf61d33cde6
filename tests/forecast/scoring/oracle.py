"""Sixty forecasts with many ties; what scikit-learn 1.9.1 found of them stands in the tests."""

import numpy as np

P = np.array(
    [
        int(tenths, 16) / 10
        for tenths in "A12324101043234302122344313505224113121331002211210422415201"
    ]
)
Y = np.array([int(yes) for yes in "000000000010101101000001001000000000000000001001000101101001"])
_HUNDREDTHS = (
    "7 93 68 26 48 25 89 95 7 52 18 40 74 71 19 33 43 39 68 79 34 44 7 37 95 50 56 61 57 80 26 "
    "32 89 50 96 14 78 47 47 88 13 51 25 34 82 40 78 1 100 96 68 20 66 19 37 3 7 16 18 84"
)
W = np.array([int(part) / 100 for part in _HUNDREDTHS.split()])
