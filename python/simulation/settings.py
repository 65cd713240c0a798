"""What is simulated: the settings that, together with the version of the simulation, decide every byte of the result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

import numpy as np

from python.data.sources import digest_of
from python.detector.geometry import DUNE_1X2X2, WIRE_PLANE_X_CM, Geometry
from python.ingest.drawing import DRAWING_VERSION
from python.ingest.products import ProductSettings
from python.simulation.backgrounds import FAINT, NOMINAL_RATES, NUCLIDES
from python.simulation.drift import MIN_DEDX_MEV_CM
from python.simulation.marley_events import marley_list
from python.simulation.near_clusters import electrons_of, least_electrons

SIMULATION_VERSION = 3  # raise it with every change that changes simulated events
EVENTS_PER_FILE = 1000
PLAN, INTERACTIONS, BACKGROUND, TRANSPORT, DRIFT, RESPONSE, DECAYS = range(7)  # random streams
CHANNELS = ("es", "cc", "mixed", "background")


@dataclass(frozen=True)
class Burst:
    """A supernova at `distance_kpc` seen by `mass_kt` of argon; the numbers of events are Poisson numbers.

    Of the readout windows in which there are radioactive decays alone those are kept that hold a cluster on X of at least
    `radiological_mev`, by reconstructed energy.
    """

    distance_kpc: float = 10.0
    mass_kt: float = 40.0
    radiological_mev: float = 5.0


@dataclass(frozen=True)
class SimulationSettings:
    """`events` is the number of events, None for a burst.

    `channel` one of CHANNELS; "mixed" is ES and CC in turn. `flux` "flat", "gkvm" or "livermore". `energy` (low, high) MeV: the
    electron's kinetic energy for ES, the neutrino's for CC; None: all that the flux gives, 2 to 60 MeV of a flat one.
    `direction` the unit vector in which the neutrinos fly, detector axes; None: isotropic, for a burst one direction by chance.
    `background` decays a readout window and four APAs by name; `all_decays` follows those too that are far from every cluster,
    which no product shows. `marley_file` a list that MARLEY has written, whose CC events are used instead of the own
    generator's. Numbers of windows and decays, and where neutrinos interact, follow from the `geometry`.
    """

    events: int | None
    channel: str = "mixed"
    seed: int = 1
    flux: str = "flat"
    energy: tuple[float, float] | None = None
    direction: tuple[float, float, float] | None = None
    burst: Burst | None = None
    background: dict[str, float] = field(default_factory=lambda: dict(NOMINAL_RATES))
    all_decays: bool = False
    marley_file: str | None = None
    products: ProductSettings = field(default_factory=ProductSettings)
    geometry: Geometry = DUNE_1X2X2

    def described(self) -> dict:
        """Return the settings and the versions as plain JSON values, a list of events by its content, wherever it lies, and the
        geometry by its name.

        Raises DataError when the list of events cannot be read.
        """
        versions = {"simulation_version": SIMULATION_VERSION, "drawing_version": DRAWING_VERSION}
        values = {**versions, **asdict(self), "geometry": self.geometry.name}
        if self.marley_file:
            values["marley_file"] = f"sha256 {marley_list(self.marley_file).digest}"
        return json.loads(json.dumps(values))

    def source_id(self, number: int, n_events: int) -> str:
        """The identity of file `number` with `n_events` events: a digest of all that decides what happens in these."""
        return digest_of({**self._of_events, "file": number, "n_events": n_events})

    @property
    def events_key(self) -> str:
        """A short name of the events: the same for the same events, whatever is drawn of them and however many there are."""
        return _key(self._of_events)

    @property
    def least_electrons(self) -> float:
        """Electrons without which there is no cluster; they decide which decays are near one."""
        return least_electrons(self.products)

    @property
    def follows_all_decays(self) -> bool:
        """Whether all decays are followed: when that was asked for, or when a faint one may become a cluster by itself."""
        brightest = max(branch.end_point for name in FAINT for branch in NUCLIDES[name].branches)
        dedx, x = np.array(MIN_DEDX_MEV_CM), np.array(WIRE_PLANE_X_CM)
        return self.all_decays or self.least_electrons < float(electrons_of(np.array(brightest), dedx, x))

    @property
    def _of_events(self) -> dict:
        drawn = ("events", "products", "drawing_version")
        values = {name: value for name, value in self._deciding.items() if name not in drawn}
        return values if self.follows_all_decays else {**values, "least_electrons": self.least_electrons}

    @property
    def data_set_key(self) -> str:
        """A short name of the data set, another one whenever anything differs."""
        return _key(self._deciding)

    @property
    def _deciding(self) -> dict:
        """All that decides the bytes; the first geometry goes without saying, so that what was made of old keeps its identity."""
        values = self.described()
        if self.geometry == DUNE_1X2X2:
            del values["geometry"]
        return values


def _key(values: dict) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]
