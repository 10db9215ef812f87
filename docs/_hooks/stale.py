"""Keep `mkdocs serve --dirty` honest: after a change of code every page is built anew.

With that option MkDocs builds again only the pages whose own file is newer than their built form.
A figure or a number, though, also depends on the package, the hooks, the locked versions and the
site's settings.

MkDocs loads a hook once, and a served site would show, and keep, what an older text of it made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files

import cache

HOOKS = cache.ROOT / "docs" / "_hooks"


def written() -> dict[Path, int]:
    """Return when each hook was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in sorted(HOOKS.glob("*.py"))}


LOADED = written()


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """MkDocs event: a page that was built before the newest code counts as edited.

    Raises:
        PluginError: if a hook was edited after it was loaded.
    """
    hooks = written()
    if edited := [path.name for path, at in hooks.items() if LOADED.get(path) != at]:
        raise PluginError(f"{', '.join(edited)} in docs/_hooks changed: stop, and serve anew")
    counts = [*cache.code_files(), *hooks, cache.ROOT / "mkdocs.yml"]
    newest = max(path.stat().st_mtime for path in counts)
    for file in files.documentation_pages():
        built = Path(file.abs_dest_path)
        if built.exists() and built.stat().st_mtime < newest:
            file.is_modified = lambda: True
    return files
