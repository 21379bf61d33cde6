"""How good forecasts were: proper scores, calibration, skill, alerts. Pure: arrays in, facts out.

`proper.py` scores one forecast, `scores.py` many; `corp.py` takes the Brier score apart;
`calibration.py` gives the verdict (`verdict.py`) on two tests (`calibration_tests.py`, with
`regression.py`) that allow for rows which depend on each other (`dependence.py`);
`bootstrap.py` says how sure a gain is; `episodes.py` scores alerts as the field does,
`first_alert.py` the forecasts at which they ring, `censored.py` questions that are still open.
`results.py` holds the facts they return.
"""
