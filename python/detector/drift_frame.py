"""The drift frame: one orientation for all images and labels.

x' = distance from the wire planes, z' = z, and y' = y on the face x > 0, -y on the face x < 0: the detector axes, turned by 180
degrees about z on the face x < 0, so handedness stays. In it X columns measure z', U columns z' - y' and V columns z' + y' on
both faces of all APAs, once the channel axis is flipped where the wire map runs backwards. Rows stay drift time as recorded.
"""

from __future__ import annotations

import numpy as np


def to_drift_frame(vector: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Rotate vectors (N, 3) from detector axes into the drift frame of their face (N,); NaN where the face is unknown (0)."""
    sign = np.where(np.asarray(face) == 0, np.nan, np.sign(face))
    return np.asarray(vector) * np.stack([sign, sign, sign**2], axis=-1)


def to_detector_frame(vector: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Rotate vectors (N, 3) from the drift frame of their face (N,) back into detector axes."""
    return to_drift_frame(vector, face)  # half a turn undoes itself
