"""The three-plane CNN that learns direction, energy and interaction together, so that each may help the others."""

from __future__ import annotations

from dataclasses import replace

from electron_direction.models import three_plane_cnn
from python.directions.answers.multi_task import MultiTaskParameters

ARCHITECTURE = replace(three_plane_cnn.ARCHITECTURE, losses={"multi_task": MultiTaskParameters})
