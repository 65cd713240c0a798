"""The report holds every word and every figure, on pages that nothing runs off."""

import json
import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from python.general_purpose_libs import OutputError
from python.plots import style
from python.plots.report import Report, save_figures, write_report
from python.plots.text_lines import LINE_WIDTH, beneath, cut_table_text, fact_lines, metrics_table, table_lines, wrap
from python.plots.text_pages import PAGE_LINES, paginate, text_pages

CUTS = [
    {"step": "read", "removed": 0, "kept": 120000},
    {"step": "duplicates", "removed": 40000, "kept": 80000},
]


def figure_named(title):
    figure = style.new_figure(title)
    style.describe(style.panels(figure)[0], "x [cm]", "y [cm]")
    return figure


def page_sizes(path):
    boxes = re.findall(rb"/MediaBox \[ ?([\d. ]+) ?\]", path.read_bytes())
    return [tuple(map(float, box.split()[2:])) for box in boxes]


# ---------------------------------------------------------------------------- text
def test_a_long_configuration_is_wholly_on_the_pages():
    configuration = json.dumps({f"key_{i}": {"value": "long " * (i % 60)} for i in range(200)}, indent=2)
    pages = paginate(wrap(configuration))
    lines = [line for page in pages for line in page]
    assert max(map(len, lines)) <= LINE_WIDTH
    assert max(map(len, pages)) <= PAGE_LINES
    assert "".join("".join(lines).split()) == "".join(configuration.split())


def test_a_word_longer_than_the_page_is_cut_not_clipped():
    lines = wrap("z" * 500)
    assert len(lines) > 3
    assert sum(line.count("z") for line in lines) == 500


def test_what_the_font_cannot_draw_is_escaped_and_keeps_its_meaning():
    (line,) = wrap('"κ → 你 \N{SLIGHTLY SMILING FACE}"')
    assert line.startswith('"κ → \\u4f60')
    assert "\\U0001f642" in line


@given(st.text(max_size=400), st.integers(20, LINE_WIDTH))
def test_wrapping_never_exceeds_the_width(text, width):
    assert max(map(len, wrap(text, width))) <= width


@given(st.text(string.ascii_letters + string.punctuation + " \n\t", max_size=400), st.integers(20, LINE_WIDTH))
def test_wrapping_loses_no_character(text, width):
    assert "".join("".join(wrap(text, width)).split()) == "".join(text.split())


@pytest.mark.parametrize("heading", ["Configuration", "a heading " * 30])
def test_a_full_page_of_full_lines_fits_the_paper(heading):
    (figure,) = text_pages(heading, ["W" * LINE_WIDTH] * PAGE_LINES)
    figure.set_dpi(300)  # as fine as paper: at screen resolution letters are rounded to dots
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for text in figure.texts:
        box = text.get_window_extent(canvas.get_renderer()).transformed(figure.transFigure.inverted())
        assert box.x0 > 0.02
        assert box.x1 < 0.98
        assert box.y0 > 0.045  # above the page number
        assert box.y1 < 0.98
    head, body = (text.get_window_extent(canvas.get_renderer()) for text in figure.texts)
    assert head.y0 > body.y1


def test_facts_are_aligned_and_long_ones_wrapped():
    lines = fact_lines({"seed": "42", "run folder": "output " * 40})
    assert lines[0] == "seed        42"
    assert lines[1].startswith("run folder  output")
    assert sum(line.count("output") for line in lines) == 40
    assert max(map(len, lines)) <= LINE_WIDTH


def test_a_table_with_a_long_first_column_fits_and_keeps_every_word():
    name = "a baseline with a very long name " * 6
    lines = table_lines([["method", "accuracy"], [name, "0.9123 [0.9000, 0.9200]"]], width=60)
    assert max(map(len, lines)) <= 60
    assert " ".join(lines).split().count("baseline") == 6
    assert lines[2].endswith("0.9123 [0.9000, 0.9200]")


def test_the_cut_table_is_aligned_and_counts_what_is_left_of_all():
    lines = cut_table_text(CUTS).split("\n")
    assert lines[0].split() == ["step", "removed", "kept", "kept", "of", "all"]
    assert lines[2].split() == ["read", "0", "120,000", "100.0", "%"]
    assert lines[3].split() == ["duplicates", "40,000", "80,000", "66.7", "%"]
    assert len({len(line) for line in lines}) == 1


def test_a_narrower_table_stands_beneath_a_wider_one():
    rows = beneath(
        [["method", "accuracy", "f1"], ["network", "0.9", "0.8"]], [["method", "efficiency"], ["cut", "0.7"]]
    )
    assert rows[2:] == [["", "", ""], ["method", "efficiency", ""], ["cut", "0.7", ""]]
    assert table_lines(rows)[3] == ""


def test_the_metrics_table_has_a_row_for_each_method():
    methods = {
        "network": {"accuracy": 0.91234, "accuracy_low": 0.9, "accuracy_high": 0.92, "f1": 0.5, "auc": None},
        "baseline": {"accuracy": 0.8, "accuracy_low": 0.78, "accuracy_high": 0.82, "f1": 0.4, "auc": 0.7},
    }
    assert metrics_table(methods, ["accuracy", "f1", "auc"]) == [
        ["method", "accuracy", "f1", "auc"],
        ["network", "0.9123 [0.9000, 0.9200]", "0.5000", "-"],
        ["baseline", "0.8000 [0.7800, 0.8200]", "0.4000", "0.7000"],
    ]


# ---------------------------------------------------------------------------- files
def test_the_report_has_its_pages_in_one_size(tmp_path):
    path = tmp_path / "report.pdf"
    report = Report(
        "mt_identifier simple_cnn $5",
        {"seed": "42", "data": "folder " * 100},
        metrics=[["method", "accuracy"], ["network", "0.9"]],
        cuts=CUTS,
        texts={"Configuration": "line\n" * (2 * PAGE_LINES), "Network": "a table"},
        figures={"first": figure_named("First"), "second": figure_named("Second")},
    )
    write_report(path, report)
    sizes = page_sizes(path)
    assert len(sizes) == 1 + 1 + 2 + 1 + 2
    np.testing.assert_allclose(sizes, np.tile([842, 595], (len(sizes), 1)), atol=1)
    assert [child.name for child in tmp_path.iterdir()] == ["report.pdf"]


def test_equal_reports_are_equal_files(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        write_report(tmp_path / name, Report("title", {"seed": "1"}, figures={"plot": figure_named("Plot")}))
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_report_of_facts_alone_is_one_page(tmp_path):
    write_report(tmp_path / "report.pdf", Report("title", {}))
    assert len(page_sizes(tmp_path / "report.pdf")) == 1


def test_figures_stay_as_they_were(tmp_path):
    figure = figure_named("Plot")
    before = save_figures({"before": figure}, tmp_path)[0].read_bytes()
    write_report(tmp_path / "report.pdf", Report("title", {}, figures={"plot": figure}))
    assert save_figures({"after": figure}, tmp_path)[0].read_bytes() == before


def test_figures_are_saved_by_their_names_at_150_dpi(tmp_path):
    folder = tmp_path / "plots"
    paths = save_figures({"roc_curve": figure_named("ROC")}, folder)
    assert paths == [folder / "roc_curve.png"]
    header = paths[0].read_bytes()[:24]
    assert header[1:4] == b"PNG"
    size = [int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")]
    np.testing.assert_allclose(size, 150 * np.array(style.FIGURE_SIZE), atol=1)


def test_a_folder_that_is_a_file_is_an_output_error(tmp_path):
    (tmp_path / "plots").write_text("in the way")
    with pytest.raises(OutputError, match="plots"):
        save_figures({"plot": figure_named("Plot")}, tmp_path / "plots")
    with pytest.raises(OutputError, match="plots"):
        write_report(tmp_path / "plots" / "report.pdf", Report("title", {}))
