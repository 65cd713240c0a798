"""The page of a comparison: nothing a name holds breaks it, and the HTML file needs nothing beside it."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from python.comparison.answers import ClassAnswers
from python.comparison.comparison import compare
from python.comparison.page import TERMINAL_WIDTH, html_page, markdown, page_of, results_table, terminal_lines
from python.plots import style
from tests.comparison.test_comparison import class_answers, direction_answers, run_of


class Parsed(HTMLParser):
    """Texts, attributes of pictures, and whether every element that was opened was closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.images, self.cells = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.images.append(dict(attributes))
        elif tag != "meta":
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


@pytest.fixture
def picture(tmp_path):
    (tmp_path / "plots").mkdir()
    figure = style.new_figure("x")
    figure.savefig(tmp_path / "plots" / "x.png", dpi=20)
    return tmp_path / "plots" / "x.png"


def two(names=("a", "b"), configs=({"epochs": 1}, {"epochs": 2})):
    """Runs that differ in sharpness; the second one is the better."""
    answers = (class_answers(sharpness=1), class_answers(sharpness=3))
    return [run_of(name, each, config) for name, each, config in zip(names, answers, configs, strict=True)]


COMPARISON = compare("mt_identifier", two(), "auc")


def page_with(names, pictures=None):
    named = [replace(run, name=name) for run, name in zip(COMPARISON.runs, names, strict=True)]
    return page_of(replace(COMPARISON, runs=named), ["All is simulated."], ClassAnswers.columns, pictures or {})


def test_html_holds_its_pictures_and_refers_to_nothing(picture):
    text = html_page(page_with(("a", "b"), {"Learning": picture}))
    [image] = Parsed(text).images
    kind, content = image["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == picture.read_bytes()
    assert not re.search(r"https?:|<link|<script|url\(|@import", text)


def test_markdown_refers_to_its_pictures_beside_it(picture, tmp_path):
    text = markdown(page_with(("a", "b"), {"Learning": picture}), tmp_path)
    assert "![Learning](plots/x.png)" in text


@example(["<b>bold</b>", "a & b &lt;"])
@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_any_name_is_text_in_html(names):
    cells = Parsed(html_page(page_with(names))).cells
    for name in names:
        seen = re.sub(r"\r\n?", "\n", name)  # as HTML reads line ends
        assert any(seen in re.sub(r"\r\n?", "\n", cell) for cell in cells)


@given(st.lists(st.text(alphabet="ab_|`*<>[]()#\\~: \n", min_size=1), min_size=2, max_size=2, unique=True))
def test_any_name_leaves_the_markdown_table_whole(names):
    text = markdown(page_with(names), None)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines:
        bare = re.sub(r"\\.", ".", line)  # what is escaped is text
        assert not re.search(r"[`*<>#~]|\]\(", bare)
    widths = [len(re.sub(r"\\.", ".", line).strip("|").split("|")) for line in lines]
    results = lines.index(next(line for line in lines if line.startswith("| run |")))
    assert len(set(widths[results : results + 4])) == 1


def test_ordinary_names_stay_readable_in_markdown():
    assert "| 1. v20_three_plane_200k |" in markdown(page_with(("v20_three_plane_200k", "v19")), None)


def test_the_table_tells_rank_interval_and_difference():
    comparison = compare("t", two(), "auc")
    head, first, second = results_table(comparison, ClassAnswers.columns)
    assert head == ["run", "AUC", "accuracy", "f1", "events", "difference", "ahead", "parameters", "epochs"]
    best, other = comparison.runs
    assert first[0] == "1. b"
    assert first[1] == f"{best.metrics['auc']:.4f} [{best.metrics['auc_low']:.4f}, {best.metrics['auc_high']:.4f}]"
    assert first[5:7] == ["-", "-"]
    assert second[0] == "2. a"
    assert second[5].startswith(f"{other.metrics['auc'] - best.metrics['auc']:+.4f} [")
    assert second[6] == "0.0 %"


def test_angles_have_one_digit():
    runs = [run_of(name, direction_answers(scale=scale)) for name, scale in (("a", 10), ("b", 40))]
    comparison = compare("t", runs, "containment_68_deg")
    assert re.fullmatch(r"\d+\.\d \[\d+\.\d, \d+\.\d\]", results_table(comparison, ())[1][1])


def test_what_is_not_told_apart_is_named():
    same = [run_of("a", class_answers()), run_of("b", class_answers())]
    for runs, named in ((same, True), (two(), False)):
        comparison = compare("t", runs, "auc")
        texts = [*page_of(comparison, [], (), {}).sections[0].texts, *terminal_lines(comparison, ())]
        assert any("Not told apart from the first by these events: b." in text for text in texts) == named


def test_only_settings_that_differ_stand_on_the_page():
    configs = [{"plane": "X", "loss": {"gamma": 2.0}}, {"plane": "X", "loss": {}}]
    comparison = compare("t", two(configs=configs), "auc")
    assert page_of(comparison, [], (), {}).sections[1].table == [["setting", "b", "a"], ["loss.gamma", "-", "2.0"]]
    assert terminal_lines(comparison, ())[-1] == "loss.gamma: - (b); 2.0 (a)"
    alike = compare("t", two(configs=[{}, {}]), "auc")
    section = page_of(alike, [], (), {}).sections[1]
    assert section.table == []
    assert "None" in section.texts[0]
    assert "Settings that differ:" not in terminal_lines(alike, ())


def test_notes_stand_before_the_results():
    runs = [run_of("first", class_answers()), run_of("second", class_answers(300))]
    comparison = compare("t", runs, "auc")
    page = page_of(comparison, [], ("auc",), {})
    texts = Parsed(html_page(page)).texts
    [note] = [text for text in texts if "no ranking is given" in text]
    assert texts.index(note) < texts.index("Results")
    assert "> **Note:** no ranking is given" in markdown(page, None)
    assert [row[0] for row in results_table(comparison, ())] == ["run", "first", "second"]
    assert terminal_lines(comparison, ())[0].startswith("Not ranked")


def test_lines_for_a_terminal_are_not_too_long():
    names = [f"a long name of a run that goes on and on, number {n}" for n in range(2)]
    lines = terminal_lines(compare("t", two(names), "auc"), ClassAnswers.columns)
    assert max(map(len, lines)) <= TERMINAL_WIDTH
