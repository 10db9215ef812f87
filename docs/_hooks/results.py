"""Draw the figures and tables of a page with the very block that stands above them.

A Python fence followed by ``<!--livegrad:result-->`` is executed in an empty namespace, as the
reader would, and the value of its last expression takes the comment's place: a
``livegrad.figures.Figure`` as inline SVG with its caption, a string as Markdown (a table).
"""

from __future__ import annotations

import ast
import io
import json
import re
from contextlib import redirect_stdout
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

import cache
from fences import OUTPUT_MARK, RESULT_MARK, Fence, find

_PLACE = re.compile(r'<div data-lg="(?P<key>[0-9a-f]{32})"></div>')


def evaluate(code: str) -> Any:
    """Run ``code`` in an empty interpreter's namespace and return its last expression's value."""
    tree = ast.parse(code)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        raise ValueError("the block before a result must end with an expression")
    last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    space: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(compile(tree, "<block>", "exec"), space)
        return eval(compile(last, "<block>", "eval"), space)


def rendered(code: str) -> dict[str, str]:
    """Return the result as ``{"html": ...}`` or ``{"markdown": ...}``, from cache if kept."""
    kept = cache.FOLDER / "results" / f"{cache.key(code)}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    from livegrad.figures import Figure

    value = evaluate(code)
    if isinstance(value, Figure):
        if not value.alt.strip():
            raise ValueError("the figure has no text alternative")
        result = {"html": value._repr_html_()}
    elif isinstance(value, str):
        result = {"markdown": value}
    else:
        raise ValueError(f"a result must be a Figure or Markdown, not {type(value).__name__}")
    cache.store(kept, json.dumps(result))
    return result


def expand(markdown: str) -> str:
    """Replace every result mark of a page; ValueError if one has no Python block before it."""
    blocks: dict[int, Fence] = {fence.last: fence for fence in find(markdown)}
    lines = markdown.splitlines()
    latest: Fence | None = None
    for number, line in enumerate(lines, start=1):
        latest = blocks.get(number, latest)
        if line.strip() != RESULT_MARK:
            continue
        if latest is None or latest.info != "python":
            raise ValueError(f"line {number}: no python block before the result mark")
        lead = line[: len(line) - len(line.lstrip())]
        try:
            result = rendered(latest.code)
        except Exception as error:
            raise ValueError(f"the block in line {latest.first} failed: {error!r}") from error
        if "html" in result:
            lines[number - 1] = f'{lead}<div data-lg="{cache.key(latest.code)}"></div>'
        else:
            lines[number - 1] = "\n".join(lead + row for row in result["markdown"].splitlines())
    return "\n".join(lines) + "\n"


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """MkDocs event: publish the figures' palette, whose one source is the package."""
    files.append(File.generated(config, "assets/palette.css", content=_palette()))
    return files


def _palette() -> str:
    """Return the style sheet of the figures' colours, from cache: Matplotlib is slow to load."""
    kept = cache.FOLDER / "results" / f"{cache.key('palette.css')}.css"
    if not kept.exists():
        from livegrad.figures import palette_css

        cache.store(kept, palette_css())
    return kept.read_text(encoding="utf-8")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs event: draw what the page's blocks draw, and drop the marks that only tests read."""
    markdown = markdown.replace(OUTPUT_MARK, "")
    if RESULT_MARK not in markdown or page.file.src_uri.endswith(".py"):
        return markdown
    try:
        return expand(markdown)
    except ValueError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from error


def on_page_content(content: str, **_: Any) -> str:
    """MkDocs event: put the figures in; Markdown never has to parse their SVG."""

    def figure(match: re.Match[str]) -> str:
        kept = cache.FOLDER / "results" / f"{match['key']}.json"
        return str(json.loads(kept.read_text(encoding="utf-8"))["html"])

    return _PLACE.sub(figure, content)
