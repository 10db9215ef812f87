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
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority, get_plugin_logger
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import blocks
import cache

log = get_plugin_logger("notebooks")

# TensorFlow's libraries talk of missing GPUs on file descriptor 2, which no reader needs;
# what Python writes to sys.stderr, a warning for one, still reaches the notebook.
PYTHON_ONLY = ["--log-level=ERROR", "--IPKernelApp.capture_fd_output=False"]


def kept_as(source: str, root: Path = cache.ROOT) -> Path:
    """Return where the executed form of the notebook with this source is kept."""
    return root / ".cache" / "notebooks" / f"{cache.key(source, root=root)}.ipynb"


def execute(source: str, name: str, root: Path = cache.ROOT) -> nbformat.NotebookNode:
    """Return the executed notebook, from cache when neither it nor any code has changed.

    Raises:
        PluginError: if a cell raises or writes to stderr.
    """
    kept = kept_as(source, root)
    if kept.exists():
        return nbformat.read(kept, as_version=4)
    notebook = jupytext.reads(source, fmt="py:percent")
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    started = time.monotonic()
    done = 0

    def report(**_: Any) -> None:
        nonlocal done
        done += 1
        log.info("%s: cell %d of %d, %.0f s", name, done, cells, time.monotonic() - started)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        extra_arguments=PYTHON_ONLY,
        on_cell_executed=report,
        resources={"metadata": {"path": str(root)}},
    )
    try:
        client.execute(env=os.environ | blocks.QUIET, stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        raise PluginError(f"{name}: a cell failed\n{error}") from error
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise PluginError(f"{name}: a cell wrote to stderr: {output.text}")
    cache.store(kept, nbformat.writes(notebook))
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


@event_priority(50)
def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs event: a notebook's page is its executed cells, rendered like any other page."""
    if not page.file.src_uri.endswith(".py"):
        return markdown
    source = Path(page.file.abs_src_path).read_text(encoding="utf-8")
    text, figures = to_markdown(execute(source, page.file.src_uri))
    page.meta["notebook_figures"] = figures
    # mkdocs-jupyter put its own render on the page object; the class's renders Markdown.
    del page.render
    return text


@event_priority(50)
def on_page_content(content: str, page: Any, **_: Any) -> str:
    """MkDocs event: put the notebook's figures in."""
    figures = page.meta.get("notebook_figures", [])
    return re.sub(r'<div data-lg-notebook="(\d+)"></div>', lambda m: figures[int(m[1])], content)
