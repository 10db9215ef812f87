"""A report for people: as a page, in a notebook, as a figure, in a file."""

import json
import math
import re
import sys
from html.parser import HTMLParser

import pytest

from livegrad.doctor import Examination, Finding, LayerGain
from livegrad.figures import Figure

SHARP = "<script>alert('x' & \"y\")</script>"
DEAD = Finding("dead-units", "hidden_1", "12 of 32 units", "They learn nothing.", "a = 1")
ODD = Finding("frozen", SHARP, SHARP, SHARP, SHARP)
LAYERS = (
    LayerGain("hidden_1", "relu", 0.5, 2.0),
    LayerGain("hidden_2", "tanh", 0.25, math.nan),
    LayerGain(SHARP, SHARP, 4.0, 3.0),
)
FULL = Examination((ODD, DEAD), ("the learning rate", SHARP), LAYERS, 0.5, 6.0, 0.7)
BARE = Examination((), (), (), math.nan, math.nan, math.nan)


class Read(HTMLParser):
    """The tags and the text of a page; what is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def names(self):
        return [tag for tag, _ in self.tags]


@pytest.mark.parametrize("shown", [FULL, BARE])
def test_a_page_needs_nothing_but_itself(shown):
    page = shown.to_html()
    read = Read(page)
    assert page.startswith("<!DOCTYPE html>") and not read.open
    assert not {"script", "link", "img", "iframe", "form"} & set(read.names())
    outside = re.findall(r"(?:src|href)=\"(?!#)[^\"]*|url\((?!#)|@import|https?://[^\s\"]*", page)
    assert set(outside) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "prefers-color-scheme:dark" in page and read.text.startswith("\n\n")
    assert re.search(r"<title>(.*)</title>", page)[1] in page.partition("<body>")[2]


def test_a_page_says_all_that_was_found():
    read = Read(FULL.to_html())
    for found in FULL.findings:
        for part in (found.code, found.layer, found.evidence, found.why, found.fix, found.page):
            assert part in read.text
    for part in (*FULL.unjudged, FULL.conclusion, "hidden_2", "tanh", "loss on the sample 0.7"):
        assert part in read.text
    assert read.names().count("section") == 2 and read.names().count("svg") == 1
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", FULL.to_html())
    numbers = [re.findall(r"lg-number\">(.*?)</td>", row) for row in rows]
    assert numbers == [
        ["2", "2", "0.5", "0.5"],
        ["not measured", "2", "0.25", "1"],
        ["3", "6", "4", "4"],
    ]
    assert "dead-units" in rows[0] and "frozen" not in rows[1]


def test_all_text_is_escaped():
    for text in (FULL.to_html(), FULL._repr_html_()):
        assert "<script" not in text and "&lt;script&gt;alert(" in text
        # The figure's labels are text too, and its text alternative an attribute.
        assert Read(text).text.count("<script>alert") >= 8


def test_headings_are_in_their_order():
    for text, first in ((FULL.to_html(), 1), (FULL._repr_html_(), 2)):
        levels = [int(tag[1]) for tag in Read(text).names() if re.fullmatch(r"h\d", tag)]
        assert levels == [first, *[first + 1], *[first + 2] * 2, *[first + 1] * 2]


def test_a_healthy_page_has_no_empty_parts():
    read = Read(BARE.to_html())
    assert {"h2", "section", "table", "svg", "ul"} & set(read.names()) == set()
    assert "healthy: nothing found" in read.text and "lg-healthy" in BARE.to_html()


def test_a_lesson_is_a_link_where_the_site_is_known():
    assert "a" not in Read(FULL.to_html()).names()
    index = Finding("metric-mismatch", "output", "e", "w", "f")
    shown = Examination((DEAD, index), (), (), 1.0, 1.0, 1.0)
    for site in ("https://x.org/lessons", "https://x.org/lessons/"):
        links = [given["href"] for tag, given in Read(shown.to_html(site)).tags if tag == "a"]
        assert links == [
            "https://x.org/lessons/activations/relu/",
            "https://x.org/lessons/outputs/",
        ]


def test_a_notebook_gets_a_part_of_a_page():
    part = FULL._repr_html_()
    assert not {"html", "head", "body", "main", "title"} & set(Read(part).names())
    assert part.startswith('<div class="lg-report">') and part.endswith("</div>")
    # Its style holds for nothing else in the notebook.
    style = re.search(r"<style>(.*?)</style>", part, re.DOTALL)[1]
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", re.sub(r"@media\([^)]*\)\{", "", style))
    assert rules and all(".lg-report" in rule for rule in rules if rule.strip())


def test_the_figure_is_of_the_layers_and_marks_those_at_fault():
    figure = FULL.plot()
    assert isinstance(figure, Figure)
    assert "hidden_1: signal 2, gradient 0.5 (marked: dead-units)" in figure.alt
    assert "hidden_2: signal 2, gradient 1;" in figure.alt
    twice = Examination((DEAD, DEAD, DEAD), (), LAYERS, 1.0, 1.0, 1.0).plot()
    assert "(marked: dead-units +2)" in twice.alt
    with pytest.raises(ValueError, match="must have hidden layers to plot, got none"):
        BARE.plot()


def test_without_matplotlib_there_is_no_figure_and_all_else(monkeypatch):
    monkeypatch.setitem(sys.modules, "livegrad.figures", None)
    page = FULL.to_html()
    assert "<svg" not in page and "livegrad[plot]" in page and "<table" in page
    with pytest.raises(ImportError):
        FULL.plot()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.html", FULL.to_html()),
        ("a.HTM", FULL.to_html()),
        ("a.txt", f"{FULL}\n"),
        ("a.md", f"{FULL}\n"),
        ("a.json", json.dumps(FULL.to_dict(), indent=2) + "\n"),
    ],
)
def test_a_file_is_what_its_name_ends_in(tmp_path, name, said):
    FULL.save(tmp_path / name)
    assert (tmp_path / name).read_text("utf-8") == said
    FULL.save(str(tmp_path / name))


def test_a_file_of_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^path must end in \.html, \.json, \.txt or \.md, got"):
        FULL.save(tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())
