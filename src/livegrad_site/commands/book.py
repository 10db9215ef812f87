"""Bind the built site as one PDF and one EPUB.

Run as ``nox -s book``, which builds the site first. Pages are taken as they were built, in the
order of the navigation; the same site gives the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mkdocs.utils.yaml import yaml_load

from livegrad_site.bind import chapters, epub, paper
from livegrad_site.run import cache
from livegrad_site.show import downloads


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=cache.ROOT / "site", help="the built site")
    config = cache.ROOT / "mkdocs.yml"
    parser.add_argument("--config", type=Path, default=config, help="what has its navigation")
    parser.add_argument("--to", type=Path, help="the folder of both files, not the site's own")
    given = parser.parse_args()
    folder = given.to or given.site / downloads.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    said = yaml_load(given.config.read_text(encoding="utf-8"))
    title, about = said["site_name"], said["site_description"]
    book = chapters.read(given.site, given.config)
    made = {"epub": epub.bound(book, title, about), "pdf": paper.bound(book, title, about)}
    for kind, content in made.items():
        path = folder / downloads.BOOK[kind]
        path.write_bytes(content)
        print(f"{path}: {len(book.chapters)} chapters, {len(content) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
