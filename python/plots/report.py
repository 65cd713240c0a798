"""The report of a run: one PDF with the key facts, the metrics, the cuts, texts such as the configuration, and every plot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from python.general_purpose_libs import atomic_path
from python.plots import style
from python.plots.text_lines import cut_table_text, fact_lines, table_lines, wrap
from python.plots.text_pages import text_pages
from python.processes.stop_requests import raise_if_stop_is_urgent

_FOOTER = 0.03  # of the page's height


@dataclass(frozen=True)
class Report:
    """What a report says, in the order of its pages.

    First `title`, the key facts `summary` and the table `metrics` (rows of cells, the first is the header; see
    `metrics_table`), then the cut table (see `cut_table_text`), then `texts` by their headings (configuration, network),
    wrapped and paginated, then a page for each of `figures`, which are left as they were.
    """

    title: str
    summary: Mapping[str, str]
    metrics: Sequence[Sequence[str]] = ()
    cuts: Sequence[Mapping[str, str | int]] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def pages(self) -> list[Figure]:
        first = fact_lines(self.summary)
        if self.metrics:
            first += ["", "", *table_lines(self.metrics)]
        pages = [*text_pages(self.title, first)]
        if self.cuts:
            pages += text_pages("Cuts", wrap(cut_table_text(self.cuts)))
        for heading, text in self.texts.items():
            pages += text_pages(heading, wrap(text.rstrip("\n")))
        return [*pages, *self.figures.values()]


def write_report(path: str | os.PathLike, report: Report) -> None:
    """Write the PDF at `path`, atomically, A4 landscape; equal reports are equal files. OutputError when it cannot be written."""
    pages = report.pages()
    # without a creation time equal reports are equal files
    metadata = {"Title": report.title, "CreationDate": None}
    with atomic_path(path) as temporary, PdfPages(temporary, metadata=metadata) as pdf:
        for number, page in enumerate(pages, start=1):
            raise_if_stop_is_urgent()
            with _footer(page, f"{number} / {len(pages)}") as area:
                pdf.savefig(page, bbox_inches=area)


def save_figures(figures: Mapping[str, Figure], folder: str | os.PathLike) -> list[Path]:
    """Write each figure as `<name>.png` into `folder` at 150 dpi, atomically; return the paths. Its layout is then settled."""
    paths = [Path(folder, f"{name}.png") for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        raise_if_stop_is_urgent()
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=style.PNG_DPI)
        figure.set_layout_engine(
            None
        )  # found again for each page that shows the figure it takes as long as the drawing
    return paths


@contextmanager
def _footer(figure: Figure, text: str) -> Iterator[Bbox]:
    """Write `text` beneath `figure` for a while; yield the page (inches) with the figure, as it is, in the middle."""
    size = figure.get_size_inches()
    page = np.maximum(style.PAGE_SIZE, size)
    corner = (size - page) / 2
    x, y = (corner + page * (0.5, _FOOTER)) / size
    footer = figure.text(x, y, text, ha="center", va="center", fontsize=9, color=style.GREY)
    footer.set_in_layout(False)
    try:
        yield Bbox([corner, corner + page])
    finally:
        footer.remove()
