"""The drift frame on simulated events: what is seen does not depend on face and APA, and half a turn reverses the columns.

Once exactly: the same deposits on either face of APAs of both parities, without diffusion and noise, give the same trigger
primitives. Once with all that is random: the moments of images of some hundred electrons agree. The mirrors have to fail there,
and so have images that are not brought into the frame.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import chi2

from benchmarks.drift_frame_symmetries import (
    DIRECTION,
    MOMENTS,
    ORIGINAL,
    PLACES,
    SYMMETRIES,
    WINDOW,
    Symmetry,
    homogeneity,
    main_images,
    measure,
    moments,
    products_of,
    simulate,
    together,
)
from python.detector.drift_frame import to_detector_frame
from python.detector.geometry import (
    CHANNELS_PER_CM_Y,
    CHANNELS_PER_CM_Z,
    PLANES,
    WRAP,
    U,
    V,
    X,
    columns_run_backwards,
    locate_channel,
    wire_coordinate,
)
from python.simulation import drift as drift_module
from python.simulation.drift import drift
from python.simulation.records import Deposits, Particles
from python.simulation.response import respond
from python.simulation.transport import transport

HALF_A_TURN = SYMMETRIES["half a turn"]
N_TRACKS = 60
CENTRE_CM = np.array([180.0, 300.0, 116.0])  # on the face x > 0 of APA 1
NEAR_CM = 90.0
SAME_IMAGES = 0.6  # clusters take primitives that start in one tick by channel number, which half a turn reverses
N_EVENTS = 250  # a place
AGREE = 1e-5  # each of the three planes fails by chance with this probability
DISAGREE = 1e-20  # nine standard deviations


@pytest.fixture(scope="module")
def tracks() -> Deposits:
    """Deposits of electrons that start at CENTRE_CM along DIRECTION (drift frame), without those that may leave the APA."""
    electrons = Particles(
        event=np.arange(N_TRACKS),
        pdg=np.full(N_TRACKS, 11),
        energy=np.linspace(8.0, 40.0, N_TRACKS),
        position=np.tile(CENTRE_CM, (N_TRACKS, 1)),
        direction=np.tile(DIRECTION, (N_TRACKS, 1)),
        time=np.zeros(N_TRACKS),
        is_signal=np.ones(N_TRACKS, bool),
    )
    deposits, _ = transport(electrons, np.random.default_rng(1))
    return deposits.take(np.linalg.norm(deposits.position - CENTRE_CM, axis=1) < NEAR_CM)


@pytest.fixture
def no_diffusion(monkeypatch):
    for name in ("DIFFUSION_ALONG_CM2_US", "DIFFUSION_ACROSS_CM2_US"):
        monkeypatch.setattr(drift_module, name, 0.0)


@dataclass
class Exact:
    """What one plane sees of the tracks, brought back: charge and primitives as sorted rows, the main image of each event."""

    charge: np.ndarray
    primitives: np.ndarray
    images: dict[int, np.ndarray]


def move(tracks: Deposits, place: tuple[int, int], symmetry: Symmetry, plane: int) -> tuple[Deposits, int]:
    """Put the tracks, turned or mirrored, on a face of an APA, and their start on a wire of `plane`; return its number."""
    face, odd = place
    y, z = CENTRE_CM[1] * (1 if odd else -1), CENTRE_CM[2]
    before, after = (float(wire_coordinate(plane, odd, face, y, z + step)) for step in (0.0, 1.0))
    wire = round(before)
    z += (wire - before) / (after - before)
    offset = (tracks.position - CENTRE_CM) * symmetry.signs
    deposits = tracks.take(slice(None))
    deposits.position = to_detector_frame(offset, np.full(len(offset), face)) + np.array([face * CENTRE_CM[0], y, z])
    return deposits, wire


def see(tracks: Deposits, place: tuple[int, int], symmetry: Symmetry, plane: int) -> Exact:
    """Simulate the tracks, turned or mirrored and without noise, and bring back what is to be compared with `plane`."""
    plane = symmetry.plane(plane)
    deposits, wire = move(tracks, place, symmetry, plane)
    rng = np.random.default_rng(2)
    charge = drift(deposits, rng)
    tps, signal, _ = respond(charge, N_TRACKS, rng, noise=False)
    found = products_of(tps, signal, N_TRACKS).images(PLANES[plane])
    images, table = found.images, found.metadata
    face, odd = place
    sign = -1 if bool(columns_run_backwards(plane, odd, face)) != symmetry.reverses_columns else 1

    def column(local: np.ndarray) -> np.ndarray:
        return sign * ((local - wire + WRAP // 2) % WRAP - WRAP // 2)

    located = locate_channel(charge.channel)
    mine = located.plane == plane
    charge, tps = charge.take(mine), tps.take(tps.plane == plane)
    arrived = np.stack([charge.event, column(located.local[mine]), charge.tick, charge.electrons], axis=-1)
    seen = [tps.event, column(tps.local), tps.start, tps.sot, tps.to_peak, tps.integral, tps.peak]
    order = slice(None, None, -1 if symmetry.reverses_columns else 1)
    chosen = np.flatnonzero((table["is_main_track"] == 1) & (table["drift_frame"] == 1))
    return Exact(
        np.unique(arrived, axis=0),
        np.unique(np.stack(seen, axis=-1), axis=0),
        {int(table["event"][i]): without_margins(images[i][:, order]) for i in chosen},
    )


def without_margins(image: np.ndarray) -> np.ndarray:
    """Cut off the empty columns beside a cluster: one of an odd number of channels stands off the middle of its image."""
    lit = np.flatnonzero(image.any(axis=0))
    return image[:, lit[0] : lit[-1] + 1]


@pytest.mark.usefixtures("no_diffusion")
@pytest.mark.parametrize("plane", [U, V, X])
def test_the_same_deposits_make_the_same_primitives_at_every_place_and_turned(tracks, plane):
    original = see(tracks, PLACES[0], ORIGINAL, plane)
    assert len(original.primitives) > 500
    for symmetry in (ORIGINAL, HALF_A_TURN):
        for place in PLACES:
            seen = see(tracks, place, symmetry, plane)
            assert np.array_equal(seen.charge, original.charge)
            assert np.array_equal(seen.primitives, original.primitives)
            both = seen.images.keys() & original.images.keys()
            same = sum(np.array_equal(seen.images[event], original.images[event]) for event in both)
            assert len(both) > 0.8 * N_TRACKS
            assert same >= SAME_IMAGES * len(both)


@pytest.mark.usefixtures("no_diffusion")
@pytest.mark.parametrize("name", ["mirror y'", "mirror z'"])
def test_mirrors_across_the_drift_bring_the_same_charge_to_wires_with_other_pulses(tracks, name):
    for plane in (U, V, X):
        original, mirrored = (see(tracks, (1, 1), symmetry, plane) for symmetry in (ORIGINAL, SYMMETRIES[name]))
        assert np.array_equal(mirrored.charge, original.charge)
        assert np.array_equal(mirrored.primitives, original.primitives) == (plane == X)


@pytest.fixture(scope="module")
def original() -> list[list]:
    """The original electrons at each place, all that is random included."""
    return [measure(ORIGINAL, place, N_EVENTS, [10, number]) for number, place in enumerate(PLACES)]


def chance(groups: list[np.ndarray]) -> float:
    """The probability that groups of one mean differ by as much as these."""
    return float(chi2.sf(*homogeneity(groups)))


def test_images_agree_at_all_places_and_after_half_a_turn(original):
    """All eight groups in one chi squared, of 63 degrees of freedom."""
    turned = [measure(HALF_A_TURN, place, N_EVENTS, [11, number]) for number, place in enumerate(PLACES)]
    for plane in (U, V, X):
        groups = [seen[plane].moments for seen in [*original, *turned]]
        assert min(len(group) for group in groups) > 0.9 * N_EVENTS
        assert chance(groups) > AGREE


def test_images_that_are_not_flipped_into_the_frame_disagree(original, monkeypatch):
    monkeypatch.setattr(
        "python.ingest.images.columns_run_backwards", lambda _plane, apa, _face: np.zeros(len(apa), bool)
    )
    raw = [measure(ORIGINAL, place, N_EVENTS, [10, number]) for number, place in enumerate(PLACES)]
    for plane in (U, V):
        assert chance([seen[plane].moments for seen in raw]) < DISAGREE
    assert np.array_equal(raw[0][X].moments, original[0][X].moments)


def test_images_turned_but_not_brought_back_disagree(original):
    turned = [
        measure(Symmetry(HALF_A_TURN.signs), place, N_EVENTS, [11, number]) for number, place in enumerate(PLACES)
    ]
    before, after = together(original), together(turned)
    for plane in (U, V, X):
        assert chance([before[plane].moments, after[plane].moments]) < DISAGREE


@pytest.mark.parametrize(("name", "planes"), [("mirror y'", (U, V)), ("mirror z'", (U, V)), ("mirror x'", (U, V, X))])
def test_mirrors_disagree_where_pulses_differ(original, name, planes):
    mirrored = [measure(SYMMETRIES[name], place, N_EVENTS, [12, number]) for number, place in enumerate(PLACES)]
    before, after = together(original), together(mirrored)
    for plane in (U, V, X):
        probability = chance([before[plane].moments, after[plane].moments])
        assert probability < 1e-12 if plane in planes else probability > AGREE


@pytest.mark.parametrize("direction", [(0.4, 0.87, 0.3), (0.4, -0.87, 0.3), (-0.4, 0.3, 0.87)])
@pytest.mark.parametrize("place", PLACES)
def test_images_rise_as_the_wire_map_says(place, direction):
    """Ticks grow with x', columns with z' - y' on U, z' + y' on V, z' on X: a wrong sign shows as a slope of the other sign."""
    x, y, z = direction
    products = simulate(np.array(direction), place, N_EVENTS, np.random.default_rng([13, PLACES.index(place)]))
    along_y, along_z = CHANNELS_PER_CM_Y * y, CHANNELS_PER_CM_Z * z
    for plane, channels in {U: along_z - along_y, V: along_z + along_y, X: z}.items():
        correlation = moments(main_images(products, plane))[:, MOMENTS.index("correlation")]
        error = correlation.std() / np.sqrt(len(correlation))
        assert correlation.mean() * np.sign(channels * x) > error


def test_moments_of_reversed_images_change_their_signs():
    rng = np.random.default_rng(3)
    images = rng.exponential(size=(20, *WINDOW)) * (rng.random((20, *WINDOW)) < 0.02)
    even = moments(images)
    columns, rows = np.array([1, 1, 1, 1, -1, -1, 1, 1, -1]), np.array([1, 1, 1, 1, -1, 1, -1, -1, 1])
    assert moments(images[:, :, ::-1]) == pytest.approx(even * columns, abs=1e-9)
    assert moments(images[:, ::-1]) == pytest.approx(even * rows, abs=1e-9)


def test_chi_squared_of_equal_groups_is_that_of_its_degrees_of_freedom():
    """Of 200 sets of four samples of one distribution the values follow chi squared with 9 degrees of freedom."""
    rng = np.random.default_rng(4)
    mixing = rng.standard_normal((3, 3))
    found = [homogeneity([rng.standard_normal((100, 3)) @ mixing for _ in range(4)]) for _ in range(200)]
    values, freedom = np.array(found).T
    assert set(freedom) == {9}
    assert values.mean() == pytest.approx(9, abs=5 * np.sqrt(18 / 200))
    shifted = [rng.standard_normal((100, 3)) + np.array([shift, 0, 0]) for shift in (0.0, 1.0)]
    assert homogeneity(shifted)[0] == pytest.approx(50, abs=5 * np.sqrt(4 * 50))
