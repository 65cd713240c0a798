"""What point_burst.sh leaves and says: files, pictures, a report, lines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.general_purpose_libs import log, write_json

if TYPE_CHECKING:
    from python.pointing.pointing import Pointing
    from python.pointing.results import Circumstances


@dataclass
class Stages:
    """Seconds of each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - start


def write_all(output: Path, found: Pointing, told: Circumstances, seconds: Mapping[str, float]) -> list[str]:
    """Write everything into the folder, and return what is said of it, in lines."""
    import numpy as np

    from python.plots.burst import energy_and_time_figure
    from python.plots.report import Report, save_figures, write_report
    from python.plots.sky import Candidates as Shown
    from python.plots.sky import sky_figure
    from python.pointing.judging import judgement, true_star
    from python.pointing.numbers import CLASSES
    from python.pointing.results import JUDGEMENT_FILE, write_results
    from python.runs.files import REPORT_FILE

    summary = write_results(output, found, told, seconds)
    candidates, shares = found.candidates, found.likelihood.shares
    star = true_star(candidates.truth)
    truth = None if star is None else found.in_frame(star[None])[0]
    tells = shares[:, 0] > 0.02
    shown = Shown(found.in_frame(-candidates.direction[tells]), shares[tells, 0]) if tells.any() else None
    after = np.where(candidates.time >= 0, candidates.time * 1e-9, np.nan)
    figures = {
        "skymap": sky_figure(found.sky, told.name, shown, truth, not told.real),
        "energy_and_time": energy_and_time_figure(candidates.energy, after, dict(zip(CLASSES, shares.T, strict=True))),
    }
    save_figures(figures, output)
    judged = judgement(found)
    if judged is not None:
        write_json(output / JUDGEMENT_FILE, judged)
    facts = {name: str(summary[name]) for name in ("candidates", "radius_deg", "area_deg2", "numbers", "assumed")}
    warnings = {"Warnings": "\n".join(summary["warnings"])} if summary["warnings"] else {}
    write_report(output / REPORT_FILE, Report(f"Where {told.name} is", facts, texts=warnings, figures=figures))
    for warning in summary["warnings"]:
        log.warning("%s", warning)
    return _lines(found, judged)


def _lines(found: Pointing, judged: Mapping[str, Any] | None) -> list[str]:
    from python.pointing.alert import right_ascension_and_declination

    if found.rotation is None:
        x, y, z = found.star
        where = f"towards ({x:.3f}, {y:.3f}, {z:.3f}) in detector axes"
    else:
        where = "at right ascension {:.2f}, declination {:.2f} degrees".format(
            *right_ascension_and_declination(found.sky.peak)
        )
    numbers = found.numbers
    said = [
        f"{len(found.candidates)} candidates: {numbers['es']:.0f} of elastic scattering, {numbers['cc']:.0f} of charged current, "
        f"{numbers['other']:.0f} others",
        f"the star is {where}: 68 % within {float(found.sky.radius(0.68)):.1f} degrees, "
        f"{float(found.sky.area(0.68)):.0f} square degrees; 90 % within {float(found.sky.radius(0.9)):.1f}",
    ]
    if judged and judged["star_is_known"]:
        said.append(
            f"in truth {judged['degrees_off']:.1f} degrees away, at {judged['probability_searched']:.0%} of the map's probability"
        )
    return said
