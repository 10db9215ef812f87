"""A notebook to take away is a valid one, says what the page says, and is the same each time."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from livegrad_site.run import notebooks
from livegrad_site.show import downloads

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "docs" / "experiments").glob("*.py"))
CELL = """
!!! question "The question"

    Is it so,
    or not?

See [there](../a/b.md#c), [here](other.py) and [elsewhere](https://example.org/x.md).
"""
ADDRESSES = {
    "a/b.md": "https://e.org/a/b/",
    "experiments/other.py": "https://e.org/experiments/other/",
}


class Anywhere(dict):
    def __missing__(self, name):
        return f"https://e.org/{name}"


def executed(source):
    """Return a notebook as it comes from execution, with what differs each time."""
    notebook = jupytext.reads(source, fmt="py:percent")
    for at, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.execution_count = at
            cell.metadata.execution = {"iopub.status.busy": "2026-01-01"}
            cell.outputs = [nbformat.v4.new_output("stream", text=t) for t in ("1\n", "2\n")]
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def test_boxes_become_quotations_and_links_addresses():
    said = downloads.for_jupyter(CELL, "experiments/n.py", ADDRESSES)
    assert "> **The question**\n>\n> Is it so,\n> or not?\n\nSee" in said
    assert "[there](https://e.org/a/b/#c)" in said
    assert "[here](https://e.org/experiments/other/)" in said
    assert "[elsewhere](https://example.org/x.md)" in said


def test_a_link_to_no_page_fails_the_build():
    with pytest.raises(KeyError, match="gone"):
        downloads.for_jupyter("[x](gone.md)", "experiments/n.py", ADDRESSES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_download_is_valid_and_has_the_source_s_code(path):
    source = path.read_text("utf-8")
    made = downloads.downloadable(executed(source), f"experiments/{path.name}", Anywhere())
    nbformat.validate(made)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    plain = jupytext.reads(source, fmt="py:percent")
    assert code[1:] == [cell.source for cell in plain.cells if cell.cell_type == "code"]
    assert "find_spec" in code[0] and "pip install" in code[0]
    for cell in made.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"^!!!|\]\((?!https?:)", cell.source, re.MULTILINE), cell.source


def test_two_executions_give_the_same_download():
    source = "# %% [markdown]\n# # T\n\n# %%\nprint(1)\n"
    one, two = (downloads.downloadable(executed(source), "n.py", {}) for _ in range(2))
    assert nbformat.writes(one) == nbformat.writes(two)
    assert "2026" not in nbformat.writes(one)
    assert [output.text for output in one.cells[-1].outputs] == ["1\n2\n"]
    assert one.cells[-1].id == "cell-2"


def test_the_page_of_a_notebook_leads_to_its_downloads():
    class Page:
        class file:  # noqa: N801
            src_uri = "experiments/n.py"

    page = downloads.in_markdown("# Title\n\nText.\n", Page)
    assert page.startswith("# Title\n\nDownload [`n.ipynb`](../downloads/n.ipynb)")
    assert "[`n.py`](../downloads/n.py)" in page and page.endswith("\n\nText.\n")
    Page.file.src_uri = "a.md"
    assert downloads.in_markdown("# Title\n", Page) == "# Title\n"


@pytest.mark.parametrize(
    ("repository", "release", "opens"),
    [
        ("https://github.com/a/b", "0.1", True),
        ("https://github.com/a/b/", "0.1", True),
        ("https://github.com/a/b", "", False),
        ("https://example.org/a/b", "0.1", False),
        ("", "0.1", False),
    ],
)
def test_colab_is_offered_where_it_can_open_the_notebook(monkeypatch, repository, release, opens):
    monkeypatch.setenv("REPO_URL", repository)
    monkeypatch.setenv("MIKE_DOCS_VERSION", release)
    said = downloads.colab("n")
    place = "/github/a/b/blob/gh-pages/0.1/downloads/n.ipynb"
    assert said.endswith(f"{place}).") is opens
    assert ("upload" in said) is not opens


def test_what_the_kernel_cut_is_joined_as_on_the_page():
    assert downloads.notebooks.joined is notebooks.joined
