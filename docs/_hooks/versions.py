"""Offer the other versions of the site in the header of one that mike builds; others have none."""

from __future__ import annotations

import os
from typing import Any


def on_config(config: Any, **_: Any) -> Any:
    """MkDocs event: the theme looks for the list of versions only where mike writes one."""
    if os.environ.get("MIKE_DOCS_VERSION"):
        config.extra["version"] = {"provider": "mike", "alias": True}
    return config
