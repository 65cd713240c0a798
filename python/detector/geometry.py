"""Geometries of the simulated DUNE far detector module, `dune10kt_1x2x2` and `dune10kt_1x2x6`: channels, wire map, drift.

Rows of two anode plane assemblies (APAs), one above the other, follow each other along z, all in the plane x = 0 with a drift
volume on either side (the two faces). Odd APAs hold y > 0, even ones y < 0; APAs 2 and 3 hold z > 232 cm, and every two more
begin 232.4 cm farther on. The induction wires of U and V wrap round both faces with a period of 800 channels. All APAs are
alike: what is said of one here holds for each, in every geometry. What differs, where the rows end, is a `Geometry`.

The wire map was recovered from the 87 thousand simulated deposits of 60 events in `dune10kt_1x2x2`: every one lies within 3
channels of it, 90 % within 1.1 (transverse diffusion). Lengths in cm, times in ticks of 0.5 us.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PLANES = ("U", "V", "X")
U, V, X = range(3)

CHANNELS_PER_APA = 2560
FIRST_CHANNEL = np.array([0, 800, 1600])  # of each plane within its APA
WRAP = 800  # channels after which an induction wire comes round again
X_CHANNELS_PER_FACE = 480  # X channels 0-479 look at x < 0, 480-959 at x > 0

PITCH_CM = np.array([0.4669, 0.4669, 0.479])  # wire spacing seen in the plane
WIRE_ANGLE_DEG = 35.71
APA_PITCH_Z_CM = 232.4
BEYOND_LAST_ROW_Z_CM = -1.8  # of the argon that is seen, which ends before the next row would begin
X_FIRST_WIRE_Z_CM = 0.60
MAX_Y_CM, MAX_X_CM = 608.0, 363.0
ACTIVE_Y_CM = (1.75, 599.65)  # |y| of all 89 thousand simulated deposits that gave charge: the wires end there

TICK_US = 0.5
CLOCKS_PER_TICK = 32  # `time_start` of a trigger primitive counts 16 ns
TICKS_PER_WINDOW = 6000
TICK_CM = 0.080289  # drift in one tick at 1.6058 mm/us
WIRE_PLANE_X_CM = 4.33

THRESHOLD_ADC = np.array([70.0, 70.0, 60.0])  # a sample belongs to a trigger primitive when it exceeds this
PEAK_OFFSET_TICKS = np.array([-5.6, -1.0, 6.8])  # median of (peak of the trigger primitive - arrival of the charge)

CHANNELS_PER_CM_Y = np.sin(np.radians(WIRE_ANGLE_DEG)) / PITCH_CM[U]  # 1.25012
CHANNELS_PER_CM_Z = np.cos(np.radians(WIRE_ANGLE_DEG)) / PITCH_CM[U]  # 1.73909

# Induction channel = (sign_y * 1.25012 y + sign_z * 1.73909 z' + offset) mod 800, indexed [plane U, V][odd APA][x > 0].
SIGN_Y = np.array([[[1, 1], [-1, -1]], [[1, 1], [-1, -1]]])
SIGN_Z = np.array([[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]])
OFFSET = np.array([[[-50.6, 750.2], [350.4, 349.2]], [[349.9, 348.8], [-51.1, 749.8]]])


@dataclass(frozen=True)
class Geometry:
    """A part of a module that is simulated and read out by itself: so many `rows` of two APAs along z.

    The names are those of LArSoft: drift volumes, APAs along y and APAs along z. All numbers follow from the rows.
    """

    name: str
    rows: int

    @property
    def n_apas(self) -> int:
        return 2 * self.rows

    @property
    def n_channels(self) -> int:
        return self.n_apas * CHANNELS_PER_APA

    @property
    def max_z_cm(self) -> float:
        """Where the argon ends that is seen; it begins at 0."""
        return self.rows * APA_PITCH_Z_CM + BEYOND_LAST_ROW_Z_CM

    @property
    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest x, y, z (3,) in cm."""
        return np.array([-MAX_X_CM, -MAX_Y_CM, 0.0]), np.array([MAX_X_CM, MAX_Y_CM, self.max_z_cm])


DUNE_1X2X2 = Geometry("dune10kt_1x2x2", rows=2)
DUNE_1X2X6 = Geometry("dune10kt_1x2x6", rows=6)
GEOMETRIES = {geometry.name: geometry for geometry in (DUNE_1X2X2, DUNE_1X2X6)}  # the smallest first
LARGEST = DUNE_1X2X6
ROW_BORDERS_Z_CM = 232.0 + APA_PITCH_Z_CM * np.arange(LARGEST.rows - 1)


def smallest_with(channels: np.ndarray) -> Geometry:
    """The smallest geometry that has all these channels, which are below those of the LARGEST."""
    highest = int(np.max(channels, initial=0))
    return next(geometry for geometry in GEOMETRIES.values() if highest < geometry.n_channels)


@dataclass(frozen=True)
class ChannelPlace:
    """Where channels sit, arrays of one length: APA from 0, plane 0-2, channel within the plane, face (+1, -1; 0 for U, V)."""

    apa: np.ndarray
    plane: np.ndarray
    local: np.ndarray
    face: np.ndarray


def locate_channel(channel: np.ndarray) -> ChannelPlace:
    """Resolve global channel numbers. The face is known from X channels alone."""
    apa, within = np.divmod(np.asarray(channel, np.int64), CHANNELS_PER_APA)
    plane = np.searchsorted(FIRST_CHANNEL, within, side="right") - 1
    local = within - FIRST_CHANNEL[plane]
    face = np.where(plane == X, np.where(local < X_CHANNELS_PER_FACE, -1, 1), 0)
    return ChannelPlace(apa, plane, local, face)


def global_channel(apa: np.ndarray, plane: np.ndarray | int, local: np.ndarray) -> np.ndarray:
    """The inverse of `locate_channel`."""
    return np.asarray(apa) * CHANNELS_PER_APA + FIRST_CHANNEL[plane] + local


def apa_at(y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """APA number of positions in cm, of the LARGEST geometry where z is beyond a smaller one."""
    return 2 * np.sum(np.asarray(z)[..., None] > ROW_BORDERS_Z_CM, axis=-1) + (np.asarray(y) > 0)


def face_at(x: np.ndarray) -> np.ndarray:
    """Face of positions in cm: +1 for x > 0, -1 otherwise."""
    return np.where(np.asarray(x) > 0, 1, -1)


def z_within_apa(apa: np.ndarray, z: np.ndarray) -> np.ndarray:
    """z' in cm, counted from the lower edge of the APA's row."""
    return np.asarray(z, float) - APA_PITCH_Z_CM * (np.asarray(apa) // 2)


def wire_coordinate(
    plane: int, apa: np.ndarray, face: np.ndarray | int, y: np.ndarray | float, z: np.ndarray
) -> np.ndarray:
    """Position across the wires of `plane`, in channels, real-valued and not wrapped: the channel is it rounded, U, V mod 800."""
    z = z_within_apa(apa, z)
    right = (np.asarray(face) > 0).astype(int)
    if plane == X:
        return (z - X_FIRST_WIRE_Z_CM) / PITCH_CM[X] + X_CHANNELS_PER_FACE * right
    place = (plane, np.asarray(apa) % 2, right)
    return SIGN_Y[place] * CHANNELS_PER_CM_Y * np.asarray(y) + SIGN_Z[place] * CHANNELS_PER_CM_Z * z + OFFSET[place]


def expected_channel(plane: int, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Channel within `plane` that collects charge from positions in cm."""
    channel = np.rint(wire_coordinate(plane, apa_at(y, z), face_at(x), y, z)).astype(np.int64)
    return channel if plane == X else channel % WRAP


def z_of_x_channel(apa: np.ndarray, local: np.ndarray) -> np.ndarray:
    """z in cm of X channels, real-valued channels allowed."""
    within_face = np.mod(np.asarray(local, float), X_CHANNELS_PER_FACE)
    return X_FIRST_WIRE_Z_CM + PITCH_CM[X] * within_face + APA_PITCH_Z_CM * (np.asarray(apa) // 2)


def y_of_induction_channel(
    plane: int, apa: np.ndarray, face: np.ndarray, local: np.ndarray, z: np.ndarray
) -> np.ndarray:
    """y in cm where wire `local` of U or V passes z.

    A wire comes round every 800 channels = 640 cm, an APA is 608 cm high, so one y fits; |y| lies in [-16, 624) cm and values
    outside the APA tell that wire and z do not belong together.
    """
    y = (np.asarray(local) - wire_coordinate(plane, apa, face, 0.0, z)) / CHANNELS_PER_CM_Y
    period = WRAP / CHANNELS_PER_CM_Y
    side = np.where(np.asarray(apa) % 2 == 1, 1.0, -1.0)
    sign = SIGN_Y[plane, np.asarray(apa) % 2, 0]
    margin = (period - MAX_Y_CM) / 2
    return side * (np.mod(side * sign * y + margin, period) - margin)


def drift_ticks(x: np.ndarray) -> np.ndarray:
    """Ticks that charge needs from x in cm to the wire planes."""
    return (np.abs(x) - WIRE_PLANE_X_CM) / TICK_CM


def columns_run_backwards(plane: np.ndarray | int, apa: np.ndarray, face: np.ndarray) -> np.ndarray:
    """True where channel numbers fall along the plane's drift-frame coordinate: z' - y' for U, z' + y' for V, z' for X.

    With y' = -y on the face x < 0 that is U on (even APA, x > 0) and (odd, x < 0), V on the other two, X never.
    """
    plane, odd, right = np.asarray(plane), np.asarray(apa) % 2 == 1, np.asarray(face) > 0
    return ((plane == U) & (odd != right)) | ((plane == V) & (odd == right))
