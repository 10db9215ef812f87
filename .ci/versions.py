"""Lay the tested site beside the versions that are there: in the branch gh-pages and in versions/.

Needs the standard library and mike. It builds nothing: what is in site/ is what is published.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

BRANCH = "gh-pages"
# Whoever sets these is the author of what is committed.
WHO = {f"GIT_{who}_{what}": "mike" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def names(reference: str) -> list[str]:
    """Return the version that a tag ("v0.1.0") or a branch is, and the aliases it takes over."""
    tag = re.fullmatch(r"v(\d+\.\d+)\.\d+", reference)
    return [tag[1], "latest"] if tag else ["dev"]


def keep(site: Path, reference: str) -> None:
    """Commit the site to the branch under its version's name.

    In a fresh clone the branch with the versions that are there is the remote's.

    Raises:
        ValueError: if the site was not built as a version.
    """
    from mike import commands, git_utils

    if '"provider": "mike"' not in (site / "index.html").read_text(encoding="utf-8"):
        raise ValueError(f"{site} was built without MIKE_DOCS_VERSION, and offers no other version")
    git_utils.update_from_upstream("origin", BRANCH)
    version, *aliases = names(reference)
    config = {"site_dir": str(site), "use_directory_urls": True}
    # A run that is repeated has nothing new to commit.
    again = {"allow_empty": True}
    with commands.deploy(config, version, aliases=aliases, update_aliases=True, **again):
        pass  # where mike would build
    known = commands.list_versions(BRANCH)
    commands.set_default("latest" if known.find("latest") else "dev", **again)


def lay_out(folder: Path) -> None:
    """Write all that the branch holds to the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    packed = folder.with_suffix(".tar")
    subprocess.run(["git", "archive", f"--output={packed}", BRANCH], check=True)
    with tarfile.open(packed) as files:
        files.extractall(folder, filter="tar")
    packed.unlink()
    first = "latest" if (folder / "latest").exists() else "dev"
    # A host looks for these at its root alone.
    for wanted in ("404.html", "sitemap.xml"):
        shutil.copy(folder / first / wanted, folder / wanted)


if __name__ == "__main__":
    if sys.argv[1] == "--name":
        print(names(sys.argv[2])[0])
    else:
        os.environ.update(WHO)
        keep(Path("site"), sys.argv[1])
        lay_out(Path("versions"))
