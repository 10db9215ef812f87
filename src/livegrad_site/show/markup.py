"""Mend what a validator finds wrong in the theme's pages, and take the day out of the build.

The same commit gives the same bytes, on any day and in any folder.
"""

from __future__ import annotations

import os
import re

from mkdocs.config.defaults import MkDocsConfig

_TOGGLE = re.compile(r'(<input[^>]*type="(?:checkbox|radio)"[^>]*?) autocomplete="off"')
_EMPTY_HEADER = re.compile(r"<th([^>]*)></th>")
_TITLE = '<label class="md-nav__title" for="__toc">'


def configure(config: MkDocsConfig) -> None:
    """Give the compressed sitemap the same time always, and pages an edit link where it leads."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    if not config.repo_url:
        config.edit_uri = None


def undated(sitemap: str) -> str:
    """Return the sitemap without the day of the build."""
    return re.sub(r"\s*<lastmod>.*?</lastmod>", "", sitemap)


def mended(output: str) -> str:
    """Return the page without attributes that an element cannot have, or with values it can."""
    output = _TOGGLE.sub(r"\1", output).replace(' autocorrect="off"', "")
    output = output.replace(' tabindex=""', ' tabindex="0"')
    # A header that names nothing is a cell.
    output = _EMPTY_HEADER.sub(r"<td\1></td>", output)
    if 'id="__toc"' not in output:
        output = output.replace(_TITLE, _TITLE.replace(' for="__toc"', ""))
    return output
