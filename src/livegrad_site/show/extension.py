"""The Markdown extension: what needs to know of no page but its HTML, in this order.

Any builder that renders with Python-Markdown can load it, by its name in ``markdown_extensions``.
"""

from __future__ import annotations

from typing import Any

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor

from livegrad_site.run import results
from livegrad_site.show import mathematics

__all__ = ["Steps", "makeExtension"]

IN_HTML = (results.in_html, mathematics.in_html)
# After the one that puts raw HTML back, which has 30.
LAST = -100


class _Steps(Postprocessor):
    def run(self, text: str) -> str:
        for step in IN_HTML:
            text = step(text)
        return text


class Steps(Extension):
    """Put figures and mathematics into what Markdown made."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the steps."""
        md.postprocessors.register(_Steps(md), "livegrad", LAST)


def makeExtension(**options: Any) -> Steps:  # noqa: N802
    """Return the extension; Python-Markdown looks for a function of this name."""
    return Steps(**options)
