"""Execute the notebooks and render them with the site's own Markdown.

mkdocs-jupyter finds the percent-format notebooks and makes pages of them. Its HTML exporter is
passed over: it inlines 570 kB of style into each page, leaves links unchecked, and keeps old
output when the package changes. Here a notebook is executed under a key of the notebook, the
package and the lock; its cells become Markdown, so links, mathematics, tabs and copy buttons
work as on every other page. An error, or a word on stderr, fails the build.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from livegrad_site.run import cache, later, machine

# TensorFlow's libraries talk of missing GPUs on file descriptor 2, which no reader needs;
# what Python writes to sys.stderr, a warning for one, still reaches the notebook.
PYTHON_ONLY = ["--log-level=ERROR", "--IPKernelApp.capture_fd_output=False"]


def kept_as(source: str, root: Path = cache.ROOT) -> Path:
    """Return where the executed form of the notebook with this source is kept."""
    folder = cache.FOLDER if root == cache.ROOT else root / ".cache"
    return folder / "notebooks" / f"{cache.key(source, code=[source], root=root)}.ipynb"


def known(source: str, root: Path = cache.ROOT) -> nbformat.NotebookNode | None:
    """Return the notebook as it was executed, or None if it has to be run for that."""
    body = cache.load(kept_as(source, root))
    return None if body is None else nbformat.reads(body.decode(), as_version=4)


def execute(source: str, name: str, root: Path = cache.ROOT) -> nbformat.NotebookNode:
    """Return the executed notebook, from cache when neither it nor any code has changed.

    Raises:
        PluginError: if a cell raises or writes to stderr.
    """
    executed = known(source, root)
    if executed is not None:
        return executed
    notebook = jupytext.reads(source, fmt="py:percent")
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        extra_arguments=PYTHON_ONLY,
        resources={"metadata": {"path": str(root)}},
    )
    try:
        client.execute(env=os.environ | machine.environment(), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        raise PluginError(f"{name}: a cell failed\n{error}") from error
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise PluginError(f"{name}: a cell wrote to stderr: {output.text}")
    cache.store(kept_as(source, root), nbformat.writes(notebook))
    return notebook


def to_markdown(notebook: nbformat.NotebookNode) -> tuple[str, list[str]]:
    """Return the notebook as Markdown and the HTML that its placeholders stand for."""
    parts: list[str] = []
    figures: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code" and cell.source.strip():
            parts.append(f"```python\n{cell.source}\n```")
            parts.extend(_output(output, figures) for output in joined(cell.outputs))
    return "\n\n".join(parts) + "\n", figures


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return the outputs with what was printed in one go in one piece.

    Where the kernel cuts a long print in two depends on the moment.
    """
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            joined.append(nbformat.from_dict(output))
    return joined


def _output(output: nbformat.NotebookNode, figures: list[str]) -> str:
    if output.output_type == "stream":
        return _text(output.text)
    if "text/html" in output.data:
        figures.append(output.data["text/html"])
        return f'<div data-lg-notebook="{len(figures) - 1}"></div>'
    if "text/markdown" in output.data:
        return str(output.data["text/markdown"])
    return _text(output.data["text/plain"])


def _text(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def in_markdown(markdown: str, page: Any) -> str:
    """Return for a notebook's page its executed cells, to be rendered like any other page."""
    if not page.file.src_uri.endswith(".py"):
        return markdown
    source = page.file.content_string
    if later.waits(page.file.abs_src_path, source):
        text, figures = to_markdown(jupytext.reads(source, fmt="py:percent"))
        text = later.notice(page.file.abs_src_path, source, text)
    else:
        text, figures = to_markdown(execute(source, page.file.src_uri))
    page.meta["notebook_figures"] = figures
    # mkdocs-jupyter put its own render on the page object; the class's renders Markdown.
    del page.render
    return text


def in_content(content: str, page: Page) -> str:
    """Put the notebook's figures in."""
    figures = page.meta.get("notebook_figures", [])
    return re.sub(r'<div data-lg-notebook="(\d+)"></div>', lambda m: figures[int(m[1])], content)
