"""Lines of text as pages of the report, cut so that nothing runs off and nothing is lost."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from python.plots import style
from python.plots.text_lines import FONT

PAGE_LINES = 40

_FONT = FontProperties(family=FONT, size=9)
_LINE_HEIGHT = 1.35  # in units of the font size
_LEFT, _TOP, _HEADING_TOP = 0.05, 0.89, 0.95  # in fractions of the page


def paginate(lines: Sequence[str], page_lines: int = PAGE_LINES) -> list[list[str]]:
    """Cut `lines` into pages of at most `page_lines`; a page at least."""
    return [list(lines[start : start + page_lines]) for start in range(0, max(len(lines), 1), page_lines)]


def text_pages(heading: str, lines: Sequence[str]) -> Iterator[Figure]:
    """Pages with `heading` (continued on each) above `lines`, which are no longer than LINE_WIDTH: see `wrap`."""
    for number, page_lines in enumerate(paginate(lines)):
        figure = Figure(figsize=style.PAGE_SIZE)
        shown = heading if number == 0 else f"{heading} (continued)"
        figure.text(_LEFT, _HEADING_TOP, textwrap.shorten(shown, 80), fontsize=16, va="top", parse_math=False)
        figure.text(
            _LEFT,
            _TOP,
            "\n".join(page_lines),
            fontproperties=_FONT,
            linespacing=_LINE_HEIGHT,
            va="top",
            parse_math=False,
        )
        yield figure
