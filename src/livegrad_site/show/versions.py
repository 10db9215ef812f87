"""Offer the other versions of the site in the header of one that mike builds; others have none."""

from __future__ import annotations

import os

from mkdocs.config.defaults import MkDocsConfig


def configure(config: MkDocsConfig) -> None:
    """Let the theme look for the list of versions, only where mike writes one."""
    if os.environ.get("MIKE_DOCS_VERSION"):
        config.extra["version"] = {"provider": "mike", "alias": True}
