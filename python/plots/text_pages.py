"""Text as pages of the report: wrapped and cut into pages so that nothing runs off and nothing is lost."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from python.plots import style

LINE_WIDTH = 140  # characters of the monospace font across a page
PAGE_LINES = 40

_FONT = FontProperties(family="monospace", size=9)
_LINE_HEIGHT = 1.35  # in units of the font size
_LEFT, _TOP, _HEADING_TOP = 0.05, 0.89, 0.95  # in fractions of the page


def wrap(text: str, width: int = LINE_WIDTH) -> list[str]:
    """Lines of at most `width` characters; a continuation is indented by four more than the line that it continues.

    Characters that the font does not have are written as in JSON (`\\u4f60`): none is lost.
    """
    lines: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        drawable = "".join(map(_drawable, line))
        indent = min(len(drawable) - len(drawable.lstrip(" ")) + 4, width // 2)
        lines += textwrap.wrap(
            drawable, width, subsequent_indent=" " * indent, drop_whitespace=False, replace_whitespace=False
        ) or [""]
    return lines


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


def fact_lines(facts: Mapping[str, str], width: int = LINE_WIDTH) -> list[str]:
    """`name  value` in two columns; long values go on beneath themselves."""
    if not facts:
        return []
    names = [wrap(name, width // 3) for name in facts]
    column = max(len(line) for name in names for line in name) + 2
    lines: list[str] = []
    for name, value in zip(names, facts.values(), strict=True):
        lines += _beside([name, wrap(value, width - column)], [column, width - column])
    return lines


def table_lines(rows: Sequence[Sequence[str]], width: int = LINE_WIDTH) -> list[str]:
    """Aligned columns with a rule under the first row; a first column too wide for the page is wrapped.

    Cells of the first column are set left, the others right.
    """
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = max(min(widths[0], width - sum(widths[1:]) - 2 * len(widths[1:])), 12)
    lines: list[str] = []
    for number, (first, *others) in enumerate(rows):
        cells = [[other.rjust(size)] for other, size in zip(others, widths[1:], strict=True)]
        lines += _beside([wrap(first, widths[0]), *cells], [size + 2 for size in widths])
        if number == 0:
            lines.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
    return [piece for line in lines for piece in wrap(line, width)]


def _beside(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterable[str]:
    """Cells, each a list of lines, next to each other."""
    for row in range(max(map(len, cells))):
        parts = (cell[row] if row < len(cell) else "" for cell in cells)
        yield "".join(part.ljust(size) for part, size in zip(parts, widths, strict=True)).rstrip()


@cache
def _drawable_codes() -> frozenset[int]:
    return frozenset(get_font(findfont(_FONT)).get_charmap())


def _drawable(character: str) -> str:
    code = ord(character)
    if code in _drawable_codes() and character.isprintable():
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
