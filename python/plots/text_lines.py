"""Text as aligned lines: facts, tables and the cut table, for the report, the log and pages of text alike.

Matplotlib is asked which characters its font has, and imported, only where there are others than ASCII.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

LINE_WIDTH = 140  # characters of the monospace font across a page
FONT = "monospace"


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


def metrics_table(methods: Mapping[str, Mapping[str, float | int | None]], columns: Sequence[str]) -> list[list[str]]:
    """Rows of cells for `write_report`: a header, then a row for each method, from flat metrics (`metrics.json`).

    A cell is `value [low, high]` where the metrics hold `<column>_low` and `<column>_high`, `-` where undefined; angles have
    one digit.
    """
    header = ["method", *(column.replace("_", " ") for column in columns)]
    return [header, *([name, *(_cell(metrics, column) for column in columns)] for name, metrics in methods.items())]


def beneath(first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows of two tables as those of one, an empty row between; the narrower one is filled up with empty cells."""
    columns = max(len(row) for row in [*first, *second])
    return [[*row, *[""] * (columns - len(row))] for row in [*first, [], *second]]


def cut_table_text(cuts: Sequence[Mapping[str, str | int]]) -> str:
    """The cut table as aligned columns; each cut holds `step`, `removed` and `kept`, and `added` where more came in.

    The last column is what is kept of all that ever came in.
    """
    rows = [["step", "removed", "kept", "kept of all"]]
    total = sum(int(cut.get("added", 0)) for cut in cuts) + sum(
        int(cut["removed"]) + int(cut["kept"]) for cut in cuts[:1]
    )
    for cut in cuts:
        share = f"{100 * int(cut['kept']) / total:.1f} %" if total else "-"
        rows.append([str(cut["step"]), f"{cut['removed']:,}", f"{cut['kept']:,}", share])
    return "\n".join(table_lines(rows))


def _cell(metrics: Mapping[str, float | int | None], column: str) -> str:
    value, low, high = (metrics.get(column + suffix) for suffix in ("", "_low", "_high"))
    if value is None:
        return "-"
    digits = 1 if column.endswith("_deg") else 4
    text = f"{value:.{digits}f}"
    return text if low is None or high is None else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def _beside(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterable[str]:
    """Cells, each a list of lines, next to each other."""
    for row in range(max(map(len, cells))):
        parts = (cell[row] if row < len(cell) else "" for cell in cells)
        yield "".join(part.ljust(size) for part, size in zip(parts, widths, strict=True)).rstrip()


@cache
def _drawable_codes() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())


def _drawable(character: str) -> str:
    code = ord(character)
    if character.isprintable() and (character.isascii() or code in _drawable_codes()):
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
