"""Every block that a reader would take for Python is run; the traps are planted and caught."""

import itertools
import pathlib
import subprocess
import sys

import pytest
from pytest_codeblocks import extract_from_file

from livegrad_site.check import census
from livegrad_site.commands import refresh
from livegrad_site.read import fences

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = fences.pages(ROOT)
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]


def collected_by_pytest(path):
    return {block.lineno for block in extract_from_file(path) if block.syntax == "python"}


def uncollected(path):
    """Line numbers of Python-looking fences that pytest-codeblocks would not run."""
    found = {f.first for f in fences.find(path.read_text("utf-8")) if f.looks_like_python}
    return found - collected_by_pytest(path)


def faults(text):
    """What is wrong with the blocks of a page: a list of (line, reason)."""
    found = fences.find(text)
    results = fences.results(text)
    drawing = {result.block.first for result in results if result.block}
    wrong = [(r.line, "a result that nothing compares") for r in results if not r.digest]
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        known = (fences.OUTPUT_MARK, fences.TORCH_MARK)
        if stripped.startswith("<!--pytest") and stripped not in known:
            wrong.append((number, "skip, cont or another mark of pytest-codeblocks"))
    for at, fence in enumerate(found):
        if fence.looks_like_python and fence.info != "python":
            wrong.append((fence.first, f"a fence {fence.info!r} is passed over in silence"))
        if fence.is_output and (at == 0 or found[at - 1].info != "python"):
            wrong.append((fence.first, "an expected output without its block"))
        if fence.info != "python":
            continue
        follower = found[at + 1] if at + 1 < len(found) else None
        if fence.needs_torch != (fence.mark == fences.TORCH_MARK):
            wrong.append((fence.first, "left to PyTorch's session without cause"))
        compared = follower is not None and follower.is_output
        if fence.prints:
            if not compared:
                wrong.append((fence.first, "prints, and nothing compares what it prints"))
        elif not compared and fence.first not in drawing and "assert" not in fence.code:
            wrong.append((fence.first, "neither prints, nor asserts, nor draws"))
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_each_python_fence_is_collected_and_checked(name):
    path = ROOT / name
    assert uncollected(path) == set()
    assert faults(path.read_text("utf-8")) == []


def test_census_equals_the_number_pytest_runs():
    ours = sum(
        f.looks_like_python and not f.is_output
        for path in PAGES
        for f in fences.find(path.read_text("utf-8"))
    )
    counted = census.counts()
    here = counted["blocks"] + counted["blocks of PyTorch, run by a session of their own"]
    assert ours == here == sum(len(collected_by_pytest(p)) for p in PAGES)
    # What pytest is asked to do without arguments counts, not what its plugin could do.
    asked = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--ignore=tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = [line for line in asked.stdout.splitlines() if ".md::" in line]
    assert len(listed) == ours > 0
    examples = [line for line in asked.stdout.splitlines() if line.startswith("src/")]
    assert len(examples) == census.counts()["docstring examples"] > 0


PLANTS = {
    "py": "```py\nprint(1)\n```\n",
    "pycon": "```pycon\n>>> 1\n1\n```\n",
    "title": '```python title="a.py"\nprint(1)\n```\n',
    "braces": "```{.python}\nprint(1)\n```\n",
    "linenums": '```python linenums="1"\nprint(1)\n```\n',
    "space": "``` python\nprint(1)\n```\n",
    "tildes": "~~~python\nprint(1)\n~~~\n",
    "quote": "> ```python\n> print(1)\n> ```\n",
    "prompt without a language": "```\n>>> 1\n1\n```\n",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_fence_that_pytest_passes_over_is_caught(tmp_path, plant):
    page = tmp_path / "page.md"
    page.write_text(PLANTS[plant])
    assert uncollected(page) == {1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```python\nprint(1)\n```\n", "nothing compares"),
        ("```python\nx = 1\n```\n", "neither prints"),
        ("<!--pytest-codeblocks:cont-->\n```python\nassert 1\n```\n", "skip, cont"),
        (f"{fences.TORCH_MARK}\n```python\nassert 1\n```\n", "without cause"),
        ("```python\nimport torch\nassert 1\n```\n", "without cause"),
        ("<!--pytest.mark.skip-->\n```python\nassert 1\n```\n", "skip, cont"),
        (f"{fences.OUTPUT_MARK}\n```text\n1\n```\n", "without its block"),
        ("```python\n'| a |'\n```\n<!--livegrad:result-->\n", "result that nothing compares"),
    ],
)
def test_an_unchecked_block_is_caught(text, reason):
    assert any(reason in why for _, why in faults(text))


def test_an_unclosed_fence_is_an_error():
    with pytest.raises(ValueError, match="line 2 is never closed"):
        fences.find("text\n```python\nx = 1\n")


def test_refresh_rewrites_outputs_and_leaves_prose():
    stale = "Prose 7.\n\n```python\nprint(1 + 1)\n```\n\nMore.\n"
    fresh = refresh.refreshed(stale)
    assert f"{fences.OUTPUT_MARK}\n```text\n2\n```\n" in fresh
    assert fresh.startswith("Prose 7.") and fresh.endswith("More.\n")
    assert refresh.refreshed(fresh) == fresh
    assert refresh.refreshed(fresh.replace("text\n2", "text\n3")) == fresh


def test_refresh_writes_the_digest_of_a_table():
    stale = "```python\n'| a |'\n```\n\n    <!--livegrad:result-->\n"
    fresh = refresh.refreshed(stale)
    (result,) = fences.results(fresh)
    assert len(result.digest) == 12 and refresh.refreshed(fresh) == fresh
    assert refresh.refreshed(fresh.replace("| a |", "| b |")) != fresh.replace("| a |", "| b |")


def test_a_block_does_not_see_what_an_earlier_one_set():
    setting = "```python\nimport numpy as np\nnp.set_printoptions(precision=2)\nprint(1)\n```\n"
    later = "```python\nimport numpy as np\nprint(np.array([0.123456]))\n```\n"
    assert "[0.123456]" in refresh.refreshed(setting + later)


def test_refresh_keeps_the_indent_of_a_tab():
    fresh = refresh.refreshed('=== "NumPy"\n\n    ```python\n    print("a")\n    ```\n')
    assert "    ```text\n    a\n    ```\n" in fresh


@pytest.mark.parametrize("name", NAMES)
def test_refresh_would_change_nothing_but_outputs_that_differ(name):
    text = (ROOT / name).read_text("utf-8")
    found = fences.find(text)
    outputs = {
        block.code: follower.code
        for block, follower in itertools.pairwise(found)
        if follower.is_output
    }
    digests = {result.block.code: result.digest for result in fences.results(text)}
    assert refresh.refreshed(text, lambda code: outputs.get(code, ""), digests.get) == text
