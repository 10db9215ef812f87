"""Keep `mkdocs serve --dirty` honest: a page is built anew if code that it uses has changed.

With that option MkDocs builds again only the pages whose own file is newer than their built form.
A figure or a number, though, also depends on what its block imports of the package, on this
machinery, the locked versions and the site's settings.

MkDocs loads it once, and a served site would show, and keep, what an older text of it made.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files

import livegrad_site
from livegrad_lab import closure
from livegrad_site.read import fences
from livegrad_site.run import cache

MACHINERY = Path(livegrad_site.__file__).parent


def written() -> dict[Path, int]:
    """Return when each file of the machinery was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in sorted(MACHINERY.rglob("*.py"))}


LOADED = written()
_SHOWN = re.compile(r"^::: (livegrad\w*)\.(\w+)", re.MULTILINE)


def renew(files: Files) -> None:
    """Let a page that was built before the newest code count as edited.

    Raises:
        PluginError: if the machinery was edited after it was loaded.
    """
    machinery = written()
    if edited := [path.name for path, at in machinery.items() if LOADED.get(path) != at]:
        raise PluginError(f"{', '.join(edited)} in src/livegrad_site changed: stop, and serve anew")
    always = [*machinery, *(cache.ROOT / name for name in ("mkdocs.yml", "requirements.lock"))]
    for file in files.documentation_pages():
        built = Path(file.abs_dest_path)
        if built.exists():
            counts = [*always, *used(file.content_string, file.src_uri.endswith(".py"))]
            if built.stat().st_mtime < max(path.stat().st_mtime for path in counts):
                file.is_modified = lambda: True  # type: ignore[method-assign]


def used(text: str, notebook: bool) -> list[Path]:
    """Return the sources that a page's blocks or a notebook's cells can reach, or that it shows."""
    if "<!--livegrad:trust" in text:  # it counts what stands on all others
        return cache.sources()
    try:
        codes = [text] if notebook else [fence.code for fence in fences.python(text)]
    except ValueError:  # a fence that is never closed
        codes = []
    codes += [match["code"] for match in fences.GIVEN.finditer(text)]
    codes += [f"from {room} import {name}" for room, name in _SHOWN.findall(text)]
    found: set[Path] = set()
    for code in codes:
        with contextlib.suppress(SyntaxError):  # a block that will not run
            found.update(closure.reached(code))
    return sorted(found)
