"""Say in each page's footer what it was built from: the commit, and the versions that ran.

The day is the commit's, not the build's, so that two builds of a commit are the same bytes.
"""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

from livegrad_site.run import cache

VERSIONS = {"NumPy": "numpy", "TensorFlow": "tensorflow", "Keras": "keras"}


def commit(root: Path = cache.ROOT) -> str:
    """Return the commit as ``0123456 of 2026-11-25``; empty where there is no repository.

    The environment variable ``SOURCE_COMMIT`` takes its place, for a tree without ``.git``.
    """
    given = os.environ.get("SOURCE_COMMIT", "")
    if given or not (root / ".git").exists():
        return given
    git = ["git", "--no-optional-locks", "-C", str(root)]
    try:
        said = _said([*git, "show", "--no-patch", "--format=%H %cs", "HEAD"])
        changed = _said([*git, "status", "--porcelain"])
    except (OSError, subprocess.CalledProcessError):
        return ""
    name, day = said.split()
    return f"{name[:7]} of {day}" + (", edited since" if changed else "")


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def line(source: str) -> str:
    """Return the footer's line."""
    built_from = f"commit {source}" if source else f"livegrad {version('livegrad')}"
    *most, last = [f"{name} {version(package)}" for name, package in VERSIONS.items()]
    return f"Last verified: {built_from}, run with {', '.join(most)} and {last}."


def configure(config: MkDocsConfig) -> None:
    """Put the line below the licence, in every page's footer."""
    config.copyright = f'{config.copyright or ""}<span class="lg-verified">{line(commit())}</span>'
