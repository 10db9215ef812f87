"""Draw the figures and tables of a page with the very block that stands above them.

A Python fence followed by ``<!--livegrad:result 0123456789ab-->`` is executed in an empty
namespace, as the reader would, and the value of its last expression takes the comment's place: a
``livegrad.figures.Figure`` as inline SVG with its caption, a string as Markdown (a table). The
digits are a digest of that value, so that a figure or a table is compared as printed output is.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from livegrad_site.read.fences import OUTPUT_MARK, TORCH_MARK, Result, results
from livegrad_site.run import cache, shapes

_PRINTING: Any = np.get_printoptions()
_PLACE = re.compile(r'<div data-lg="(?P<key>[0-9a-f]{32})"></div>')


def forget() -> None:
    """Take back the print options that an earlier block of the same process may have set."""
    np.set_printoptions(**_PRINTING)


def evaluate(code: str, space: dict[str, Any] | None = None) -> Any:
    """Run ``code`` in an empty interpreter's namespace and return its last expression's value.

    The names that it leaves behind are added to ``space``.
    """
    forget()
    space = {} if space is None else space
    space[shapes.CHECK] = shapes.compare
    tree = shapes.checking(code)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        raise ValueError("the block before a result must end with an expression")
    last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    with redirect_stdout(io.StringIO()):
        exec(compile(tree, "<block>", "exec"), space)
        return eval(compile(last, "<block>", "eval"), space)


def drawn(code: str, space: dict[str, Any] | None = None) -> dict[str, str]:
    """Return what ``code`` draws: ``{"html": ...}`` of a figure or ``{"markdown": ...}``."""
    from livegrad.figures import Figure

    value = evaluate(code, space)
    if isinstance(value, Figure):
        if not value.alt.strip():
            raise ValueError("the figure has no text alternative")
        return {"html": value._repr_html_()}
    if isinstance(value, str):
        return {"markdown": value}
    raise ValueError(f"a result must be a Figure or Markdown, not {type(value).__name__}")


def rendered(code: str, key: str) -> dict[str, str]:
    """Return what ``code`` draws, from cache if kept under ``key``."""
    body = cache.load(_kept(key))
    return keep(drawn(code), key) if body is None else dict(json.loads(body))


def key(code: str) -> str:
    """Return what the result of ``code`` is kept under."""
    return cache.key(code, code=[code])


def is_kept(key: str) -> bool:
    """Return whether something is kept under ``key``."""
    return _kept(key).exists()


def keep(result: dict[str, str], key: str) -> dict[str, str]:
    """Keep under ``key`` what was drawn, and return it."""
    cache.store(_kept(key), json.dumps(result))
    return result


def _kept(key: str) -> Path:
    return cache.FOLDER / "results" / f"{key}.json"


def digest(result: dict[str, str]) -> str:
    """Return the digits that stand in a result's mark."""
    return hashlib.sha256("".join(result.values()).encode()).hexdigest()[:12]


def source(result: Result) -> str:
    """Return the code of the result's block; ValueError if there is none."""
    if result.block is None or result.block.info != "python":
        raise ValueError(f"line {result.line}: no python block before the result mark")
    return result.block.code


def expand(markdown: str) -> str:
    """Replace every result mark of a page; ValueError if a block fails."""
    lines = markdown.splitlines()
    for result in results(markdown):
        code = source(result)
        at = key(code)  # once: the package may be edited while the site is built
        try:
            made = rendered(code, at)
        except Exception as error:
            raise ValueError(f"the block before line {result.line} failed: {error!r}") from error
        if "html" in made:
            lines[result.line - 1] = f'{result.lead}<div data-lg="{at}"></div>'
        else:
            table = (result.lead + row for row in made["markdown"].splitlines())
            lines[result.line - 1] = "\n".join(table)
    return "\n".join(lines) + "\n"


def publish(files: Files, config: MkDocsConfig) -> None:
    """Publish the figures' palette, whose one source is the package."""
    files.append(File.generated(config, "assets/palette.css", content=_palette()))


def _palette() -> str:
    """Return the style sheet of the figures' colours, from cache: Matplotlib is slow to load."""

    def make() -> bytes:
        from livegrad.figures import palette_css

        return palette_css().encode()

    return cache.kept("palette.css", make).decode()


def in_markdown(markdown: str, page: Page) -> str:
    """Draw what the page's blocks draw, and drop the marks that only tests read."""
    markdown = markdown.replace(OUTPUT_MARK, "").replace(TORCH_MARK, "")
    if page.file.src_uri.endswith(".py") or not results(markdown):
        return markdown
    try:
        return expand(markdown)
    except ValueError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from error


def in_html(content: str) -> str:
    """Put the figures in; Markdown never has to parse their SVG."""

    def figure(match: re.Match[str]) -> str:
        body = cache.load(_kept(match["key"]))
        if body is None:
            raise PluginError("a figure was taken from .cache while the site was built: build anew")
        return str(json.loads(body)["html"])

    return _PLACE.sub(figure, content)
