"""Publish what can be taken away: each notebook, executed and as its source, and the book.

The ``.ipynb`` is for Jupyter, which knows neither this site's addresses nor its question boxes: its
links become absolute and its question a quotation. What differs from run to run is left out.

The book is made of the built site. A version that is published has it beside the notebooks, where
``.ci/run`` puts what the tests made and read; what an author serves says how to make one.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from urllib.parse import urljoin

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from livegrad_site.read.languages import ENGLISH, Language
from livegrad_site.run import later, notebooks

FOLDER = "downloads"
BOOK = {"pdf": "livegrad.pdf", "epub": "livegrad.epub"}
OPEN = "Open in Colab"
UPLOAD = "To run it in {colab}, upload the `.ipynb` there."
_BOOK_HERE = "<!--livegrad:book-->"
_INSTALL = """\
# Colab, for one, does not have the package.
import importlib.util

if importlib.util.find_spec("livegrad") is None:
    %pip install --quiet "livegrad[keras]\""""
_BOX = re.compile(r'^!!! \w+ "(?P<title>.+)"\n\n(?P<text>(?: {4}.*(?:\n|\Z)|\n)+)', re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^):#]+\.(?:md|py))(?P<anchor>#[^)]*)?\)")


def for_jupyter(markdown: str, name: str, addresses: dict[str, str]) -> str:
    """Return a cell's text with quotations for boxes and the pages' addresses for their files."""

    def quoted(match: re.Match[str]) -> str:
        lines = [f"**{match['title']}**", "", *match["text"].strip().splitlines()]
        return "\n".join(f"> {line.strip()}".rstrip() for line in lines) + "\n\n"

    def absolute(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match["target"]))
        return f"]({addresses[target]}{match['anchor'] or ''})"

    return _LINK.sub(absolute, _BOX.sub(quoted, markdown)).rstrip()


def downloadable(
    executed: nbformat.NotebookNode, name: str, addresses: dict[str, str]
) -> nbformat.NotebookNode:
    """Return an executed notebook as one to take away, with a first cell that installs."""
    cells = [nbformat.v4.new_code_cell(_INSTALL)]
    for cell in executed.cells:
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(for_jupyter(cell.source, name, addresses)))
        else:
            outputs = notebooks.joined(cell.outputs)
            count = cell.execution_count
            new = nbformat.v4.new_code_cell(cell.source, outputs=outputs, execution_count=count)
            cells.append(new)
    for at, cell in enumerate(cells):
        cell.id = f"cell-{at}"
    kept = {key: executed.metadata[key] for key in ("kernelspec", "language_info")}
    return nbformat.v4.new_notebook(cells=cells, metadata=kept)


def colab(stem: str, language: Language = ENGLISH) -> str:
    """Return how to open a notebook in Colab, said in a language.

    Colab opens what a public repository holds, and that is known when ``REPO_URL`` names it and
    mike, whose branch holds the built files, says which version this is.
    """
    repository = os.environ.get("REPO_URL", "").rstrip("/")
    version = os.environ.get("MIKE_DOCS_VERSION", "")
    place = repository.removeprefix("https://github.com/")
    if version and place != repository:
        path = f"github/{place}/blob/gh-pages/{version}/{FOLDER}/{stem}.ipynb"
        return f"[{language.say(OPEN)}](https://colab.research.google.com/{path})."
    return language.say(UPLOAD, colab="[Colab](https://colab.research.google.com/)")


def links(stem: str) -> str:
    """Return the line that a notebook's page begins with."""
    folder = f"../{FOLDER}/{stem}"
    return (
        f"Download [`{stem}.ipynb`]({folder}.ipynb){{ download }} with its outputs, or its source "
        f"[`{stem}.py`]({folder}.py){{ download }}. {colab(stem)}"
    )


def publish(files: Files, config: MkDocsConfig) -> None:
    """Publish both forms of each notebook; it is executed for that."""
    pages = files.documentation_pages()
    home = str(config.site_url).rstrip("/") + "/"
    addresses = {page.src_uri: urljoin(home, page.url) for page in pages}
    for page in pages:
        name = page.src_uri
        if name.endswith(".py"):
            source = page.content_string
            made = ""
            if not later.waits(page.abs_src_path, source):
                executed = notebooks.execute(source, name)
                made = nbformat.writes(downloadable(executed, name, addresses))
            stem = f"{FOLDER}/{Path(name).stem}"
            files.append(File.generated(config, f"{stem}.py", content=source))
            files.append(File.generated(config, f"{stem}.ipynb", content=made))


def book(page: Page) -> str:
    """Return the line that says where to get the book."""
    if not os.environ.get("MIKE_DOCS_VERSION"):
        return "`nox -s book` makes one PDF and one EPUB of all pages."
    folder = posixpath.relpath(FOLDER, page.url or ".")
    pdf, epub = (
        f'<a href="{folder}/{name}" download>{kind.upper()}</a>' for kind, name in BOOK.items()
    )
    return f"All pages in one file, to print or to read without a network: {pdf}, {epub}."


def in_markdown(markdown: str, page: Page) -> str:
    """Say where to get the book, and below the title of a notebook's page where to get that."""
    if _BOOK_HERE in markdown:
        markdown = markdown.replace(_BOOK_HERE, book(page))
    if not page.file.src_uri.endswith(".py"):
        return markdown
    title, _, text = markdown.partition("\n\n")
    return "\n\n".join([title, links(Path(page.file.src_uri).stem), text])
