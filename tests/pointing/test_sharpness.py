"""What sharpness tells of the channel: of the networks that ship together, and of no others."""

import numpy as np
import pytest

from python.general_purpose_libs import read_json
from python.pointing.sharpness import TABLE, digests_of, ratio_with_sharpness
from python.runs.shipped import network_folder

CHANNEL, DIRECTION = (network_folder(None, task) for task in ("channel_tagging", "electron_direction"))


def test_the_table_is_that_of_the_networks_that_ship():
    """Whoever ships another network makes the table again: python -m benchmarks.channel_sharpness."""
    assert read_json(TABLE)["networks"] == digests_of(CHANNEL, DIRECTION)


def test_the_sharper_of_two_with_one_score_is_elastic_scattering_more_often():
    ratio = ratio_with_sharpness(CHANNEL, DIRECTION)
    told = ratio.log_ratio(np.full(3, 0.5), np.full(3, 12.0), np.array([-1.5, -0.5, 0.5]))
    assert np.all(np.diff(told) > 0.1)


@pytest.mark.parametrize("pair", [(CHANNEL, "elsewhere"), ("elsewhere", DIRECTION), (DIRECTION, CHANNEL)])
def test_of_other_networks_nothing_is_known(pair, tmp_path):
    folders = [tmp_path if name == "elsewhere" else name for name in pair]
    assert ratio_with_sharpness(*folders) is None
