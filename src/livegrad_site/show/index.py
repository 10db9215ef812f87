"""Keep what the search index says of a page, as long as the page stays as it is.

To parse all pages for it takes longer than anything else in a build without changes.
"""

from __future__ import annotations

import json
from typing import Any

from mkdocs.config.defaults import MkDocsConfig

from livegrad_site.run import cache


def configure(config: MkDocsConfig) -> None:
    """Let the search plugin, configured by now, parse a page only if that was not done."""
    plugin: Any = config.plugins.get("material/search")
    if plugin is None:
        return
    index = plugin.search_index
    parse = index.add_entry_from_context

    def add(page: Any) -> None:
        def entries() -> bytes:
            known = len(index.entries)
            parse(page)
            new = index.entries[known:]
            del index.entries[known:]
            return json.dumps(new).encode()

        said = [page.meta.get(name) for name in ("title", "search", "tags")]
        about = [page.url, str(page.title), page.content, json.dumps(said)]
        index.entries += json.loads(cache.kept("entries.json", entries, *about))

    index.add_entry_from_context = add
