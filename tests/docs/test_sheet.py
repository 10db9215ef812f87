"""The cheat sheet's PDF has what the page has, on one side, in the same bytes each time."""

import io
import re

import pypdf
import pytest

import sheet
import typeset
from livegrad import activations, initializers
from sheet import Block, Piece

PAGE = """---
title: x
---

# Title

To print: [PDF](cheat-sheet.pdf).

<link rel="stylesheet" href="x.css" media="print">

$$a = \\hd{b}$$

## Part

??? example "Code"

    ```python
    1
    ```

| one | two |
|---|---|
| `x` and $y$ | red ([why](../a.md)) |

More [words](b.md).
"""


def read(made):
    return pypdf.PdfReader(io.BytesIO(made))


def test_the_page_is_taken_apart():
    title, formula, part, table, words = sheet.blocks(PAGE)
    assert title == Block("h1", [[[Piece("text", "Title")]]])
    assert formula == Block("formula", [[[Piece("tex", "a = \\hd{b}")]]])
    assert part.kind == "h2" and table.kind == "table"
    assert table.rows[1][0] == [Piece("code", "x"), Piece("text", " and "), Piece("tex", "y")]
    assert table.rows[1][1] == [Piece("text", "red")]
    assert "".join(piece.text for piece in words.rows[0][0]) == "More words."


@pytest.fixture(scope="module")
def made():
    return sheet.document()


def test_the_sheet_is_one_side_of_a4_with_the_page_s_tables(made):
    (page,) = read(made).pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    text = page.extract_text()
    rules = [name for name in initializers.NAMES if re.match("fan|lecun|glorot|he|orth", name)]
    for name in [*activations.NAMES[:10], *rules, "vanishing-gradient", "from_logits=True"]:
        assert name in text, name
    assert "import numpy" not in text and "why" not in text


def test_two_sheets_are_the_same_bytes(made):
    assert sheet.document() == made
    assert b"/CreationDate" not in made and b"/ModDate" not in made


def test_a_changed_page_gives_another_sheet(made):
    one, two = (typeset.pdf([Block("paragraph", [[[Piece("text", t)]]])], "t", "f") for t in "ab")
    assert one != two and "b" in read(two).pages[0].extract_text()


def test_what_has_no_room_goes_on_on_the_next_page():
    row = [[Piece("text", "word " * 60)], [Piece("code", "x" * 20)]]
    pages = read(typeset.pdf([Block("table", [row] * 60)], "t", "f")).pages
    assert len(pages) > 1
    assert sum(page.extract_text().count("x" * 20) for page in pages) == 60


def test_a_table_that_is_too_wide_fails_the_build():
    wide = Block("table", [[[Piece("code", "x" * 100)], [Piece("code", "x" * 100)]]])
    with pytest.raises(ValueError, match="too wide"):
        typeset.pdf([wide], "t", "f")


def test_a_formula_that_is_not_understood_fails_the_build():
    with pytest.raises(ValueError, match="unknownthing"):
        typeset.pdf([Block("formula", [[[Piece("tex", r"\unknownthing")]]])], "t", "f")


def test_factors_have_their_colours():
    colours = dict(typeset._coloured(r"x \wt{W} \act{\varphi'}^2"))
    assert colours["W"] == typeset.PALETTE["c2"][0]
    assert colours[r"\varphi'"] == typeset.PALETTE["c1"][0]
    assert colours["{}^2"] == colours["x"]


def test_words_are_broken_into_lines_no_wider_than_there_is_room():
    words = typeset.words([Piece("text", "one two three four five")], 10)
    lines = typeset.broken(words, 60, 3)
    said = [box.text for line in lines for word in line for box in word]
    assert len(lines) > 1 and " ".join(said) == "one two three four five"
    for line in lines:
        assert sum(typeset._wide(word) for word in line) + 3 * (len(line) - 1) <= 60


def test_the_sheet_and_the_page_name_each_other():
    page = (sheet.cache.ROOT / "docs" / sheet.PAGE).read_text("utf-8")
    assert re.search(r"\]\(cheat-sheet\.pdf\)", page)
