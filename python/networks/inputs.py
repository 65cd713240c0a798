"""How images enter a network."""

from __future__ import annotations

import keras

# Typical peak of a pulse on the collection plane (median 495 ADC in simulated events), so that inputs are of order one.
ADC_UNIT = 500.0


def scaled_adc(prefix: str = "") -> keras.layers.Layer:
    """Layer that turns raw ADC into numbers of order one; part of the network, so that a saved model takes raw images."""
    return keras.layers.Rescaling(1.0 / ADC_UNIT, name=f"{prefix}scaled_adc")
