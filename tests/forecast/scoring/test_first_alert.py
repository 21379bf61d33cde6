"""Calibration at first alert: by hand, and on forecasts that are right only on the whole."""

import numpy as np
import pytest

from forecast.scoring.first_alert import first_alerts
from tests.forecast.scoring.worlds import world


def test_only_the_first_of_each_stretch_counts() -> None:
    p = [0.1, 0.3, 0.9, 0.2, 0.5, 0.4]
    y = [0, 0, 1, 0, 1, 1]
    found = first_alerts([0] * 6, range(6), p, y, [0.3, 0.5, 0.95])
    assert found == ((0.3, 0.4, 0.5, 2), (0.5, 0.7, 1.0, 2))


def test_units_begin_anew_and_rows_come_in_any_order() -> None:
    unit = np.array([1, 0, 1, 0])
    origin = np.array([1.0, 1.0, 0.0, 0.0])
    p, y = np.array([0.8, 0.7, 0.6, 0.1]), np.array([1, 0, 0, 1])
    ((_, mean, share, n),) = first_alerts(unit, origin, p, y, [0.5])
    assert mean == pytest.approx(0.65)
    assert (share, n) == (0.0, 2)


def test_a_unit_that_was_not_at_risk_in_between_begins_anew() -> None:
    origin = [0.0, 1.0, 2.0, 9.0]
    found = first_alerts([0] * 4, origin, [0.6] * 4, [1, 1, 1, 0], [0.5])
    assert found == ((0.5, 0.6, 0.5, 2),)
    assert first_alerts([0] * 4, origin, [0.6] * 4, [1, 1, 1, 0], [0.5], step=7.0)[0][3] == 1


def test_calibrated_forecasts_are_right_at_their_first_alert_too() -> None:
    p, y, origin = world(1, units=3000, months=2, overlap=3, shock=0.0, base=0.1)
    unit = np.tile(np.arange(3000), 2)
    ((_, mean, share, n),) = first_alerts(unit, origin, p, y, [0.3])
    assert n > 500
    assert share == pytest.approx(mean, abs=4 * np.sqrt(mean * (1 - mean) / n))


def test_nothing_above_the_line_is_nothing_to_tell() -> None:
    assert first_alerts([0], [0.0], [0.2], [1], [0.5]) == ()
    assert first_alerts([], [], [], [], [0.5]) == ()


def test_a_forecast_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="row 0: forecast nan"):
        first_alerts([0], [0.0], [np.nan], [1], [0.5])
