"""Keep `mkdocs serve --dirty` honest: after a change of code every page is built anew.

With that option MkDocs builds again only the pages whose own file is newer than their built form.
A figure or a number, though, also depends on the package, the hooks, the locked versions and the
site's settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import Files

import cache


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """MkDocs event: a page that was built before the newest code counts as edited."""
    hooks = (cache.ROOT / "docs" / "_hooks").glob("*.py")
    counts = [*cache.code_files(), *hooks, cache.ROOT / "mkdocs.yml"]
    newest = max(path.stat().st_mtime for path in counts)
    for file in files.documentation_pages():
        built = Path(file.abs_dest_path)
        if built.exists() and built.stat().st_mtime < newest:
            file.is_modified = lambda: True
    return files
