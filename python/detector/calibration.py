"""ADC sum to energy.

`measured`: ADC sum over deposited energy (`bt_edep`), summed over all trigger primitives of more than 3 samples that hold
simulated charge, in `es_tpstream.root` and `cc_tpstream.root` together (60 events; U 1013, V 1137, X 4077, spread from
primitive to primitive 10 % on X and 30 to 50 % on U and V). The test of this module repeats the measurement.
`older`: the constants of earlier studies, 15 % high in energy on X.
"""

from __future__ import annotations

import numpy as np

CALIBRATIONS = {
    "measured": (1010.0, 1140.0, 4100.0),
    "older": (900.0, 900.0, 3600.0),
}


def adc_per_mev(calibration: str) -> np.ndarray:
    """ADC sum per MeV of the planes U, V, X, (3,); `calibration` is one of CALIBRATIONS."""
    return np.array(CALIBRATIONS[calibration])
