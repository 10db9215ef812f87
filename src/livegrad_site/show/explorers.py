"""Publish scripts and style sheets without comments and indents: a fifth of what would be loaded.

Both are for those who read the repository. A notice of copyright stays.

Material names a block of code, for its copy button, by the nearest element with an identifier: all
blocks inside of one explorer would be one to it. So each block of such a page gets its own.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from mkdocs.structure.pages import Page

_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)

# Behind code, and with nothing in it that could be the end of a string.
_BEHIND = re.compile(r"(?<=[;,{)\]]) // [^\"'`]*$")


def bare(code: str) -> str:
    """Return a module or a style sheet without comments and indents.

    A template that goes over several lines keeps its lines.
    """
    lines, in_template = [], False
    for line in _COMMENT.sub(_notice, code).splitlines():
        kept = line if in_template else _BEHIND.sub("", line.lstrip())
        in_template ^= line.count("`") % 2 == 1
        if kept or in_template:
            lines.append(f"{kept}\n")
    return "".join(lines)


def _notice(comment: re.Match[str]) -> str:
    return comment[0] if "Copyright" in comment[0] else ""


def in_content(html: str, _page: Page) -> str:
    """Give each block of a page with an explorer an identifier."""
    if 'class="lg-explorer"' not in html:
        return html
    before, *blocks = html.split("<pre>")
    return before + "".join(f'<pre id="block-{n}">{rest}' for n, rest in enumerate(blocks, start=1))


def write(site: Path) -> None:
    """Rewrite the modules and the style sheets that were copied to a built site."""
    assets = Path(site, "assets")
    own = ("*.js", "*.css", "explorers/*.js", "explorers/*.css", "predict/*.js")
    for path in itertools.chain.from_iterable(assets.glob(place) for place in own):
        path.write_text(bare(path.read_text(encoding="utf-8")), encoding="utf-8")
