"""The intrinsic limit: its table, between the points and beyond them."""

import numpy as np
import pytest

from python.metrics.direction_limit import LIMITS, intrinsic_limit, limit_range


def test_limits_are_those_of_the_table():
    energies = [5, 10, 20, 50]
    np.testing.assert_allclose(intrinsic_limit(energies, "physical"), [40.91, 25.01, 15.0, 7.14])
    np.testing.assert_allclose(intrinsic_limit(energies), [50.58, 30.43, 18.49, 8.94])


@pytest.mark.parametrize("kind", LIMITS)
def test_limit_falls_with_energy_and_is_unknown_beyond_the_table(kind):
    low, high = limit_range()
    assert np.all(np.diff(intrinsic_limit(np.geomspace(low, high, 100), kind)) < 0)
    assert np.isnan(intrinsic_limit([low - 0.1, high + 0.1, np.nan], kind)).all()
    assert np.all(
        intrinsic_limit(np.array([8.0, 33.0]), "realistic") > intrinsic_limit(np.array([8.0, 33.0]), "physical")
    )


def test_an_unknown_limit_is_refused():
    with pytest.raises(ValueError, match="'physical', 'realistic'"):
        intrinsic_limit(10.0, "best")
