"""Each page's own solution passes the checks, and the usual mistakes are refused by their names."""

import ast
import contextlib
import io
import re
from pathlib import Path

import pytest
import yaml

from livegrad_lab.problems import PROBLEMS
from livegrad_lab.problems._child import judged
from livegrad_site.read import fences

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*/problems.md"))
# Two and more for each problem: what is written in place of what, and what the message then says.
MISTAKES = yaml.safe_load(Path(__file__).with_name("mistakes.yml").read_text("utf-8"))


def solutions():
    found = {}
    for page in PAGES:
        for fence in fences.find(page.read_text("utf-8")):
            mark = re.match(r"# problem: (\S+)\n", fence.code)
            if mark and fence.info == "python":
                assert mark[1] not in found, f"{mark[1]} is solved twice"
                found[mark[1]] = fence.code
    return found


SOLUTIONS = solutions()


def told(name, code):
    """What the checks say, without what the solution shows beside its answer."""
    tree = ast.parse(code)
    if PROBLEMS[name].asks != "answer":
        keep = ast.Import | ast.ImportFrom | ast.FunctionDef
        tree.body = [node for node in tree.body if isinstance(node, keep)]
    with contextlib.redirect_stdout(io.StringIO()):
        return judged(PROBLEMS[name], ast.unparse(tree), "answer.py")


def test_each_problem_has_its_solution_and_its_mistakes():
    assert set(SOLUTIONS) == set(PROBLEMS) == set(MISTAKES)
    assert [name for name, wrong in MISTAKES.items() if len(wrong) < 2] == []


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_page_s_solution_passes(name):
    found = told(name, SOLUTIONS[name])
    assert found["refused"] is None
    assert len(found["passed"]) == len(PROBLEMS[name].checks)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_start_is_not_an_answer(name):
    assert told(name, PROBLEMS[name].start)["refused"].startswith("not answered yet")


@pytest.mark.parametrize(
    ("name", "mistake"),
    [(name, mistake) for name, wrong in MISTAKES.items() for mistake in wrong],
    ids=[f"{name}-{at}" for name, wrong in MISTAKES.items() for at in range(len(wrong))],
)
def test_a_usual_mistake_is_refused_by_its_name(name, mistake):
    code = SOLUTIONS[name]
    for old, new in mistake["write"].items():
        assert old in code, f"{name} has no {old!r}"
        code = code.replace(old, new)
    refused = told(name, code)["refused"]
    assert refused is not None, "it passed"
    assert mistake["says"] in refused
    assert "\n" not in refused
