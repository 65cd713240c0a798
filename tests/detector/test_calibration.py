"""The calibration constants, measured again."""

import numpy as np
import pytest

from python.detector.calibration import adc_per_mev
from python.detector.geometry import locate_channel
from tests.ingest.root_files import KINDS, real_tree


@pytest.mark.root_data
def test_measured_constants_come_out_of_the_files():
    adc, mev = np.zeros(3), np.zeros(3)
    for kind in KINDS:
        tps = real_tree(kind, "tps")
        used = (tps["samples_over_threshold"] > 3) & (tps["bt_edep"] > 0)
        plane = locate_channel(tps["channel"][used]).plane
        adc += np.bincount(plane, weights=tps["adc_integral"][used], minlength=3)
        mev += np.bincount(plane, weights=tps["bt_edep"][used], minlength=3)
    assert adc_per_mev("measured") == pytest.approx(adc / mev, rel=0.01)


def test_older_constants_are_those_of_earlier_studies():
    assert adc_per_mev("older").tolist() == [900.0, 900.0, 3600.0]
