"""Publish explorers and predictions without their comments: a fifth of what a reader would load.

The comments are for those who read the repository. A notice of copyright stays.

Material names a block of code, for its copy button, by the nearest element with an identifier: all
blocks inside of one explorer would be one to it. So each block of such a page gets its own.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from mkdocs.structure.pages import Page

_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)


def bare(code: str) -> str:
    """Return a module without the comments that stand on lines of their own."""
    return _COMMENT.sub(lambda found: found[0] if "Copyright" in found[0] else "", code)


def in_content(html: str, _page: Page) -> str:
    """Give each block of a page with an explorer an identifier."""
    if 'class="lg-explorer"' not in html:
        return html
    before, *blocks = html.split("<pre>")
    return before + "".join(f'<pre id="block-{n}">{rest}' for n, rest in enumerate(blocks, start=1))


def write(site: Path) -> None:
    """Rewrite the modules that were copied to a built site."""
    assets = Path(site, "assets")
    modules = (assets.glob(f"{place}.js") for place in ("explorers/*", "predict", "predict/*"))
    for path in itertools.chain(*modules):
        path.write_text(bare(path.read_text(encoding="utf-8")), encoding="utf-8")
