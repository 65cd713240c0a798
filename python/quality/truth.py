"""Data quality: labels, true momenta, vertices and orientation."""

from __future__ import annotations

import numpy as np

from python.data.layouts import MAX_MOMENTUM_GEV
from python.data.metadata import UNKNOWN, event_numbers, vectors
from python.detector.geometry import MAX_X_CM, MAX_Y_CM, apa_at, face_at
from python.quality.check import FAIL, OK, WARN, Check, Labelled, grade, length, per_cent

VERTEX_MARGIN_CM = 5.0
MAX_OUTSIDE = 0.05  # old files give where a particle began, which may be outside; more is a mistake
MAX_LENGTH_GEV = 2 * MAX_MOMENTUM_GEV  # of a momentum; positions in cm and energies in MeV are hundreds of times larger
MAX_BAD_MAINS = 0.05
CROSSING, WRONG_MAP = 0.05, 0.3  # 1 % of tracks cross a border of APAs; a wrong wire map is wrong for half of them
_ALLOWED = {
    "is_marley": (UNKNOWN, 0, 1),
    "is_main_track": (UNKNOWN, 0, 1),
    "is_es_interaction": (UNKNOWN, 0, 1),
    "drift_frame": (UNKNOWN, 0, 1),
    "face": (-1, 0, 1),
}


def flags(sample: Labelled) -> Check:
    wrong = {name: ~np.isin(sample.table[name], allowed) for name, allowed in _ALLOWED.items()}
    apa = sample.table["apa"]
    wrong["apa"] = (apa < UNKNOWN) | (apa >= sample.of_geometry(lambda geometry: geometry.n_apas))
    names = [name for name, rows in wrong.items() if rows.any()]
    n = np.sum(np.any(list(wrong.values()), axis=0))
    finding = f"no flags, but other numbers in {', '.join(names)}" if names else "labels are 0, 1 or unknown"
    return sample.check("flags", FAIL if n else OK, n, len(sample.table), finding, "make these files again")


def main_tracks(sample: Labelled) -> Check:
    """An event has one main track on a plane; if there are more, another label stands in the place of this one."""
    main = sample.table[sample.table["is_main_track"] == 1]
    if len(main) == 0:
        return sample.skipped("main tracks", "no image is marked as one")
    group = event_numbers(main)
    several, foreign = np.bincount(group)[group] > 1, main["is_marley"] == 0
    n = np.sum(several | foreign)
    finding = "one an event and plane, each the neutrino's"
    if n:
        finding = f"{several.sum()} in events that have several, {foreign.sum()} that are not the neutrino's"
    remedy = "is_marley may stand in the place of is_main_track, or events cannot be told apart by their numbers"
    return sample.check("main tracks", grade(n / len(main), 0, MAX_BAD_MAINS), n, len(main), finding, remedy)


def momentum_size(sample: Labelled) -> Check:
    """Vectors too long for momenta in GeV/c are positions in cm or energies in MeV: columns read off by some places."""
    both = [length(vectors(sample.table, name)) for name in ("particle_momentum", "nu_momentum")]
    longest = np.fmax(*both)
    wrong = longest > MAX_LENGTH_GEV
    finding = f"none above {MAX_LENGTH_GEV:g} GeV/c"
    if wrong.any():
        finding = f"above {MAX_LENGTH_GEV:g} GeV/c, up to {np.nanmax(longest):.4g}: positions (cm) or energies (MeV), no momenta"
    remedy = "columns are read off by some places: make these files again and train no directions on them"
    return sample.check("size of momenta", FAIL if wrong.any() else OK, wrong.sum(), len(sample.table), finding, remedy)


def momentum_known(sample: Labelled) -> Check:
    momentum, main = length(vectors(sample.table, "particle_momentum")), sample.table["is_main_track"] == 1
    zero, unknown = momentum == 0, ~np.isfinite(momentum)
    n = np.sum(main & (zero | unknown))
    finding = f"zero for {per_cent(zero.mean())} of all images (background in old files), unknown for "
    finding += f"{per_cent(unknown.mean())}; {n} main tracks have no direction"
    remedy = "leave these main tracks out where directions are trained"
    values = {"zero_fraction": zero.mean(), "unknown_fraction": unknown.mean()}
    return sample.check("known momenta", WARN if n else OK, n, main.sum(), finding, remedy, **values)


def vertices(sample: Labelled) -> Check:
    position = vectors(sample.table, "true_pos")
    known = np.all(np.isfinite(position), axis=1) & np.any(position != 0, axis=1) & (sample.table["is_marley"] != 0)
    if not known.any():
        return sample.skipped("vertices", "none is recorded")
    x, y, z = position[known].T
    outside = (np.abs(x) > MAX_X_CM + VERTEX_MARGIN_CM) | (np.abs(y) > MAX_Y_CM + VERTEX_MARGIN_CM)
    max_z = sample.of_geometry(lambda geometry: geometry.max_z_cm)[known]
    outside |= (z < -VERTEX_MARGIN_CM) | (z > max_z + VERTEX_MARGIN_CM)
    ends = " or ".join(f"{end:g}" for end in np.unique(max_z))
    finding = f"{outside.sum()} outside |x| {MAX_X_CM:g}, |y| {MAX_Y_CM:g}, z 0 to {ends} cm"
    remedy = "the position may stand in other columns, or have other units, than the layout says"
    return sample.check("vertices", grade(outside.mean(), 0, MAX_OUTSIDE), outside.sum(), known.sum(), finding, remedy)


def orientation(sample: Labelled) -> Check:
    table, state = sample.table, sample.table["drift_frame"]
    other, old, matched = state != 1, state == UNKNOWN, (state == 0) & (sample.table["match_id"] >= 0)
    finding, remedy = f"{per_cent(other.mean())} are not in the drift frame", ""
    if other.any() and not (old | matched).any():
        finding += ": clusters without a match on X, whose face nothing tells; directions leave them out"
    if old.any():
        finding += f"; {old.sum()} come from old files, which do not record their flips"
        remedy = 'say "old_flips": "none" or "upstream" in the configuration'
    if matched.any():
        finding += f"; {matched.sum()} have a match and so should be"
        remedy = remedy or "make these files again"
    status = WARN if (old | matched).any() else OK
    return sample.check("orientation", status, other.sum(), len(table), finding, remedy, unknown_fraction=other.mean())


def face_and_apa(sample: Labelled) -> Check:
    """They come from channel numbers, the vertex is truth: they agree but for tracks that cross a border."""
    position = vectors(sample.table, "true_pos")
    known = (sample.table["is_main_track"] == 1) & (sample.table["apa"] >= 0) & np.all(np.isfinite(position), axis=1)
    if not known.any():
        return sample.skipped("face and APA", "no main track has both these and a vertex")
    table, (x, y, z) = sample.table[known], position[known].T
    wrong = (table["apa"] != apa_at(y, z)) | ((table["face"] != 0) & (table["face"] != face_at(x)))
    finding = f"{per_cent(wrong.mean())} of main tracks lie elsewhere than their vertex"
    remedy = "channels are numbered otherwise than the wire map says: do not trust the orientation of these images"
    return sample.check(
        "face and APA", grade(wrong.mean(), CROSSING, WRONG_MAP), wrong.sum(), len(table), finding, remedy
    )
