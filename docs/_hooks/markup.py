"""Mend what a validator finds wrong in the theme's pages, and take the day out of the build.

The same commit gives the same bytes, on any day and in any folder.
"""

from __future__ import annotations

import os
import re
from typing import Any

_TOGGLE = re.compile(r'(<input[^>]*type="(?:checkbox|radio)"[^>]*?) autocomplete="off"')
_EMPTY_HEADER = re.compile(r"<th([^>]*)></th>")
_TITLE = '<label class="md-nav__title" for="__toc">'


def on_config(config: Any, **_: Any) -> Any:
    """MkDocs event: the time in the compressed sitemap is always the same.

    Without a repository's address there is nothing to edit a page at.
    """
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    if not config.repo_url:
        config.edit_uri = None
    return config


def on_post_template(output: str, template_name: str, **_: Any) -> str:
    """MkDocs event: the sitemap names no day, and 404.html is a page as well."""
    if template_name == "sitemap.xml":
        return re.sub(r"\s*<lastmod>.*?</lastmod>", "", output)
    return on_post_page(output) if template_name == "404.html" else output


def on_post_page(output: str, **_: Any) -> str:
    """MkDocs event: attributes that an element cannot have go, or get a value that they can."""
    output = _TOGGLE.sub(r"\1", output).replace(' autocorrect="off"', "")
    output = output.replace(' tabindex=""', ' tabindex="0"')
    # A header that names nothing is a cell.
    output = _EMPTY_HEADER.sub(r"<td\1></td>", output)
    if 'id="__toc"' not in output:
        output = output.replace(_TITLE, _TITLE.replace(' for="__toc"', ""))
    return output
