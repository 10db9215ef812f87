"""A page of problems and the checks name the same ones; both notebooks hold what they say."""

import contextlib
import io
import json
import re
from pathlib import Path

import nbformat
import pytest

from livegrad_lab.problems import PROBLEMS, check_cells
from livegrad_site.read import fences, sentences
from livegrad_site.show import sheets

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*/problems.md"))
TOPICS = [path.parent.name for path in PAGES]
TEXTS = {path.parent.name: path.read_text("utf-8") for path in PAGES}


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


def test_two_builds_give_the_same_notebook():
    one, two = (nbformat.writes(made(TOPICS[0])) for _ in range(2))
    assert one == two and json.loads(one)["cells"][0]["id"] == "cell-0"
