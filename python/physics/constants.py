"""Constants of nature that more than one room needs."""

ELECTRON_MASS_MEV = 0.51099895  # CODATA 2018
