"""Make of a page of problems what a reader starts from, a sheet for a class, and a teacher's copy.

The page names each problem's start by a mark; the start itself stands beside the checks, in
``livegrad_lab.problems``. Nothing is executed here: the outputs in the teacher's copy are those of
the page, which are compared with what its blocks print. A translated page has a sheet of its own.
"""

from __future__ import annotations

import posixpath
import re
import textwrap
from pathlib import Path
from urllib.parse import urljoin

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from livegrad_site.read import fences, languages, sentences
from livegrad_site.read.languages import ENGLISH, Language
from livegrad_site.show import downloads

PAGE = "problems.md"
STUB = re.compile(r"^<!--livegrad:stub (?P<name>[\w-]+)-->$", re.MULTILINE)
INSTALL = """\
# Colab, for one, does not have the package.
import importlib.util

if importlib.util.find_spec("livegrad") is None:
    %pip install --quiet livegrad"""
LINKS = (
    "For a class: the [sheet]{sheet} without the solutions, and a [teacher's copy]{copy} with them."
)
HOW = (
    "Each answer stands in one cell, which begins with the line that names its problem and imports "
    "what it uses: it is checked by itself. Run your cells, then the last one."
)
CHECK = "Check"
LATEST = "The latest cell that you ran counts for each problem. Nothing is sent anywhere."
CHECKER = "from livegrad_lab.problems import check_cells\n\ncheck_cells(In)"
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_FOLDED = re.compile(
    r'^\?\?\? (?P<kind>tip|success) "(?P<title>.+)"\n\n(?P<body>(?: {4}.*(?:\n|\Z)|\n)+)',
    re.MULTILINE,
)
# What a translated page says of itself, below its title.
_NOTE = re.compile(r"\n\*[^*\n]+\*\n")
_ANCHOR = re.compile(r" *\{#[\w-]+\}$", re.MULTILINE)


def _start(name: str) -> str:
    """Return the code that a reader of a problem begins with."""
    # Not every site has problems, nor what they import.
    from livegrad_lab.problems import PROBLEMS

    return PROBLEMS[name].start


def stem(name: str, solved: bool = False) -> str:
    """Return what a page's sheet is called, or its teacher's copy."""
    return "-".join([*Path(name).parent.parts, "problems", *(["solved"] if solved else [])])


def _language(name: str) -> Language:
    """Return the language of a page, by its path under ``docs``."""
    return languages.named(languages.of(name)[0])


def _cells(markdown: str, name: str, addresses: dict[str, str]) -> list[nbformat.NotebookNode]:
    """Return a text as cells: prose, and each block with what it prints."""
    cells: list[nbformat.NotebookNode] = []
    lines = markdown.splitlines()
    at = 0

    def prose(stop: int) -> None:
        text = "\n".join(lines[at:stop]).replace(fences.OUTPUT_MARK, "")
        if text.strip():
            text = _language(name).formulas(text)
            text = downloads.for_jupyter(_ANCHOR.sub("", text), name, addresses)
            cells.append(nbformat.v4.new_markdown_cell(text.strip()))

    for fence in fences.find(markdown):
        prose(fence.first - 1)
        at = fence.last
        if fence.is_output:
            cells[-1].outputs = [nbformat.v4.new_output("stream", text=fence.code)]
        else:
            cells.append(nbformat.v4.new_code_cell(fence.code.rstrip()))
    prose(len(lines))
    return cells


def notebook(
    text: str, name: str, addresses: dict[str, str], solved: bool = False
) -> nbformat.NotebookNode:
    """Return a page of problems as a notebook.

    Args:
        text: the page.
        name: its path under ``docs``.
        addresses: of all pages, by their path.
        solved: whether it is the teacher's copy, in which the solutions take the stubs' places.
    """
    language = _language(name)
    page = sentences.bare(_FRONT.sub("", text, count=1))
    if language is not ENGLISH:
        page = _NOTE.sub("", page, count=1)
    page = page.replace("\n## ", f"\n{language.say(HOW)}\n\n## ", 1)
    cells = [nbformat.v4.new_code_cell(INSTALL)]
    at = 0
    for match in re.finditer(f"{_FOLDED.pattern}|{STUB.pattern}", page, re.MULTILINE):
        cells += _cells(page[at : match.start()], name, addresses)
        at = match.end()
        if match["name"]:
            if not solved:
                cells.append(nbformat.v4.new_code_cell(_start(match["name"]).rstrip()))
            continue
        body = textwrap.dedent(match["body"]).strip()
        if match["kind"] == "tip":
            folded = f"<details><summary>{match['title']}</summary>\n\n{body}\n\n</details>"
            cells += _cells(folded, name, addresses)
        elif solved:
            cells += _cells(f"### {match['title']}\n\n{body}", name, addresses)
    cells += _cells(page[at:], name, addresses)
    last = f"## {language.say(CHECK)}\n\n{language.say(LATEST)}"
    cells += [nbformat.v4.new_markdown_cell(last), nbformat.v4.new_code_cell(CHECKER)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    kept = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kept)


def publish(files: Files, config: MkDocsConfig) -> None:
    """Publish the sheet and the teacher's copy of each page of problems."""
    pages = files.documentation_pages()
    home = str(config.site_url).rstrip("/") + "/"
    addresses = {page.src_uri: urljoin(home, page.url) for page in pages}
    for page in pages:
        if Path(page.src_uri).name != PAGE:
            continue
        for solved in (False, True):
            made = notebook(page.content_string, page.src_uri, addresses, solved)
            path = f"{downloads.FOLDER}/{stem(page.src_uri, solved)}.ipynb"
            files.append(File.generated(config, path, content=nbformat.writes(made)))


def in_markdown(markdown: str, page: Page) -> str:
    """Say below the title where to get the notebooks, and put each start at its mark.

    A translated page says there first what it is.
    """
    name = page.file.src_uri
    if Path(name).name != PAGE:
        return markdown
    language = _language(name)
    folder = posixpath.relpath(downloads.FOLDER, posixpath.dirname(name))
    sheet, copy = (
        f"({folder}/{stem(name, solved)}.ipynb){{ download }}" for solved in (False, True)
    )
    links = language.say(LINKS, sheet=sheet, copy=copy)
    links += f" {downloads.colab(stem(name), language)}"

    def started(match: re.Match[str]) -> str:
        return f"```python\n{_start(match['name'])}```"

    *above, text = STUB.sub(started, markdown).split("\n\n", 1 if language is ENGLISH else 2)
    return "\n\n".join([*above, links, text])
