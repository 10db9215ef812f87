"""A page of problems and the checks name the same ones; both notebooks hold what they say."""

import contextlib
import io
import json
import re
from pathlib import Path

import nbformat
import pytest

from livegrad_lab.problems import PROBLEMS, check_cells
from livegrad_site.read import fences, languages, sentences
from livegrad_site.show import sheets

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*/problems.md"))
TOPICS = [path.parent.name for path in PAGES]
TEXTS = {path.parent.name: path.read_text("utf-8") for path in PAGES}


TRANSLATED = [
    languages.page(code, name)
    for code in languages.known()
    for name in languages.translated(code)
    if Path(name).name == sheets.PAGE
]


class Anywhere(dict):
    def __missing__(self, name):
        return f"https://e.org/{name}"


def made(topic, solved=False):
    name = f"{topic}/problems.md"
    return sheets.notebook(TEXTS[topic], name, Anywhere(), solved)


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_each_topic_with_problems_has_its_page():
    assert sorted({problem.topic for problem in PROBLEMS.values()}) == TOPICS


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_has_the_problems_of_its_topic_in_their_order(topic):
    own = [problem for problem in PROBLEMS.values() if problem.topic == topic]
    parts = re.split(r"^## ", TEXTS[topic], flags=re.MULTILINE)[1:]
    *parts, where_next = parts
    assert where_next.startswith("Where next\n")
    for problem, part in zip(own, parts, strict=True):
        assert part.startswith(
            f"{problem.title} {{#{problem.name}}}\n\n*{problem.kind.capitalize()}.* "
        )
        words, _, rest = part.partition(f"\n<!--livegrad:stub {problem.name}-->\n")
        assert rest and "???" not in words
        boxes = re.findall(r'^\?\?\? (\w+) "(.+)"$', rest, re.MULTILINE)
        hints = ["First hint", "Second hint", "Third hint", "Last hint"]
        assert [kind for kind, _ in boxes] == ["tip"] * (len(boxes) - 1) + ["success"]
        assert 3 <= len(boxes) <= 4 and boxes[-1][1] == "Solution"
        assert [title for _, title in boxes[:2]] == hints[:2]
        assert [title for _, title in boxes[2:-1]] in ([], ["Last hint"])
        folded = rest.partition('??? success "Solution"')[2]
        runs = [fence for fence in fences.find(part) if fence.info == "python"]
        solved = [fence for fence in runs if fence.code.startswith(f"# problem: {problem.name}\n")]
        assert len(solved) == 1 and solved[0].code.splitlines()[0] in folded
        if problem.asks != "answer":
            assert f"def {problem.signature}:" in solved[0].code


@pytest.mark.parametrize("topic", TOPICS)
def test_a_sheet_has_the_starts_and_no_solution(topic):
    sheet = made(topic)
    nbformat.validate(sheet)
    own = [problem.start.rstrip() for problem in PROBLEMS.values() if problem.topic == topic]
    named = [source for source in code(sheet) if source.startswith("# problem: ")]
    assert named == own
    said = prose(sheet)
    assert "Solution" not in said and said.count("<details>") == TEXTS[topic].count("??? tip")
    assert not re.search(
        r"<!--|^\?\?\?|\]\((?!https?:)|\{#|\\(act|wt|msk|hd)\{", said, re.MULTILINE
    )
    assert not any(cell.get("outputs") for cell in sheet.cells if "problem:" in cell.source)
    assert code(sheet)[-1] == sheets.CHECKER and "pip install" in code(sheet)[0]
    opening = next(cell.source for cell in sheet.cells if cell.cell_type == "markdown")
    assert 0 < opening.index("Each answer stands in one cell") < opening.index("\n## ")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_teacher_s_copy_has_each_solution_with_what_it_printed(topic):
    copy = made(topic, solved=True)
    nbformat.validate(copy)
    page = TEXTS[topic]
    blocks = [fence.code.rstrip() for fence in fences.find(page) if fence.info == "python"]
    assert code(copy)[1:-1] == blocks
    printed = [out.text for cell in copy.cells for out in cell.get("outputs", [])]
    assert printed == [fence.code for fence in fences.find(page) if fence.is_output]
    assert prose(copy).count("### Solution") == 5
    # Every sentence of the page is in it, without its proof.
    for sentence in sentences.read(page):
        if sentence.kind == "sentence" and "](" not in sentence.raw:
            assert " ".join(sentence.raw.split()) in " ".join(prose(copy).split()), sentence.raw


def sheets_of(page):
    """The sheet and the teacher's copy of a translated page."""
    return [sheets.notebook(page.text, page.name, Anywhere(), solved) for solved in (False, True)]


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_a_translated_sheet_has_the_same_code_and_outputs(page):
    topic = Path(page.english).parent.name
    for theirs, solved in zip(sheets_of(page), (False, True), strict=True):
        nbformat.validate(theirs)
        pairs = zip(theirs.cells, made(topic, solved).cells, strict=True)
        for there, here in pairs:
            assert there.cell_type == here.cell_type
            if here.cell_type == "code":
                assert (there.source, there.outputs) == (here.source, here.outputs)


def left(page, notebook):
    """English words of the page or of the sheet itself that stand in a translated notebook."""
    language = languages.named(languages.of(page.name)[0])
    words = {pair.english: pair.theirs for pair in page.pairs} | language.sheet
    said = languages.spaced(prose(notebook))
    # A word such as NumPy is the same in both, and a short one may be a part of another.
    return [one for one, other in words.items() if len(one) > 8 and one != other and one in said]


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_a_translated_sheet_has_its_own_words_and_none_of_the_english_ones(page):
    language = languages.named(languages.of(page.name)[0])
    sheet, copy = sheets_of(page)
    assert left(page, sheet) == left(page, copy) == []
    assert len(left(page, made(Path(page.english).parent.name))) > 20
    said = languages.spaced(prose(copy))
    for sentence in sentences.read(page.text):
        words = languages.spaced(language.formulas(sentence.raw))
        # What the page says of itself is no part of a sheet.
        if (
            sentence.kind == "sentence"
            and "](" not in words
            and words.strip("*") not in language.note
        ):
            assert words in said, words
    [solution] = {pair.theirs for pair in page.pairs if pair.english == "Solution"}
    assert prose(copy).count(f"### {solution}") == 5 and solution not in prose(sheet)
    assert page.name.replace("problems", "signal") in said


def test_the_last_cell_of_a_teacher_s_copy_finds_all_solved():
    with contextlib.redirect_stdout(io.StringIO()) as said:
        check_cells(code(made(TOPICS[0], solved=True)))
    assert said.getvalue().endswith("5 of 5 solved\n")


def test_a_page_offers_both_and_shows_the_starts():
    class Page:
        class file:  # noqa: N801
            src_uri = "gradients/problems.md"

    text = "# Problems\n\nWords.\n\n<!--livegrad:stub gradients-typical-->\n\nMore.\n"
    page = sheets.in_markdown(text, Page)
    assert page.startswith(
        "# Problems\n\nFor a class: the [sheet](../downloads/gradients-problems.ipynb)"
    )
    assert "(../downloads/gradients-problems-solved.ipynb)" in page
    assert "\n```python\n# problem: gradients-typical\nanswer = ...\n```\n\nMore.\n" in page
    Page.file.src_uri = "gradients/vanishing.md"
    assert sheets.in_markdown(text, Page) == text
    Page.file.src_uri = "gradients/problems.md"
    with pytest.raises(KeyError, match="none-such"):
        sheets.in_markdown("# P\n\n<!--livegrad:stub none-such-->\n", Page)


def test_a_translated_page_offers_its_own_sheet_below_what_it_says_of_itself():
    class Page:
        class file:  # noqa: N801
            src_uri = "de/gradients/problems.md"

    page = sheets.in_markdown("# Aufgaben\n\n*Eine Notiz.*\n\nWorte.\n", Page)
    assert page.startswith(
        "# Aufgaben\n\n*Eine Notiz.*\n\nFür den Unterricht: das [Aufgabenblatt]("
    )
    assert "(../../downloads/de-gradients-problems.ipynb){ download }" in page
    assert "(../../downloads/de-gradients-problems-solved.ipynb){ download }" in page
    assert page.endswith("laden Sie dort die `.ipynb`-Datei hoch.\n\nWorte.\n")


def test_two_builds_give_the_same_notebook():
    one, two = (nbformat.writes(made(TOPICS[0])) for _ in range(2))
    assert one == two and json.loads(one)["cells"][0]["id"] == "cell-0"
