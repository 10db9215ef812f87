"""Which pages or cases a slow check takes: what the last commit changed, and others by turns.

Each page is run, compared and opened at every check. What looks at pages once more, in a slow way,
takes a third of them, chosen by the commit, and before a release all. So does what examines once
more the cases whose results are kept, while their code is as it was. What pastes pages uses this
and has nothing but the standard library.
"""

from __future__ import annotations

import os
import re
import subprocess
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PARTS = 3


def commit(root: Path) -> str:
    """Return the name of the commit that is checked out, or "0" where there is no repository."""
    given = os.environ.get("GITHUB_SHA") or os.environ.get("SOURCE_COMMIT", "").partition(" ")[0]
    return given or _git(root, "rev-parse", "HEAD").strip() or "0"


def changed(root: Path) -> list[str]:
    """Return the files, from the root on, that the last commit or work since then changed."""
    return _git(root, "diff", "--name-only", "HEAD~1").splitlines()


def addresses(sources: list[str]) -> list[str]:
    """Return where pages stand on the site, of their files in ``docs``; "" is the home page.

    The file of a translated page is that of its sentences.
    """
    stems = [
        re.sub(r"\.(?:md|py|txt)$", "/", source.removeprefix("docs/").removeprefix("_languages/"))
        for source in sources
        if source.startswith("docs/")
    ]
    return [re.sub(r"(^|/)index/$", r"\1", stem) for stem in stems]


def taken(pages: list[str], commit: str, always: Collection[str], parts: int = PARTS) -> list[str]:
    """Return those pages whose turn it is, in their order; before a release all of them.

    Args:
        pages: by their files or their addresses; or the names of cases.
        commit: by whose name the turn is chosen.
        always: those that are to be among them in any case.
        parts: of how many parts one is taken.
    """
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        return pages
    return [
        page
        for page in pages
        if page in always or zlib.crc32(f"{commit} {page}".encode()) % parts == 0
    ]


def one(cases: list[T], commit: str) -> list[T]:
    """Return that one case whose turn it is; before a release all of them.

    Args:
        cases: at least one.
        commit: by whose name the turn is chosen.
    """
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        return cases
    return [cases[int(commit[:8], 16) % len(cases)]]


def _git(root: Path, *asked: str) -> str:
    """Return what git says, or nothing."""
    done = subprocess.run(["git", "-C", str(root), *asked], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""
