"""The simple CNN with the main tracks of the two interactions as classes of their own."""

from __future__ import annotations

from dataclasses import replace

from mt_identifier.models import simple_cnn
from python.networks.classification_losses import CrossEntropyParameters, MulticlassFocalParameters

ARCHITECTURE = replace(
    simple_cnn.ARCHITECTURE,
    losses={"categorical_crossentropy": CrossEntropyParameters, "focal": MulticlassFocalParameters},
    classes=("background", "es_main_track", "cc_main_track"),
)
