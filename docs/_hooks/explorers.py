"""Publish the explorers' modules without their comments: a fifth of what a reader would load.

The comments are for those who read the repository. A notice of copyright stays.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)


def bare(code: str) -> str:
    """Return a module without the comments that stand on lines of their own."""
    return _COMMENT.sub(lambda found: found[0] if "Copyright" in found[0] else "", code)


def on_post_build(config: Any, **_: Any) -> None:
    """MkDocs event: rewrite the modules that were copied."""
    for path in Path(config.site_dir, "assets", "explorers").glob("*.js"):
        path.write_text(bare(path.read_text(encoding="utf-8")), encoding="utf-8")
