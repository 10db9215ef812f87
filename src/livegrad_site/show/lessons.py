"""Number the lessons along the path that the navigation is, and show the path on the home page.

A page of a topic knows its number, the home page lists them all. What of it a reader has read is
kept in the reader's browser, by assets/progress.js.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

# The topics and the factor whose colour each has.
FACTORS = {
    "Gradients": "product",
    "Activations": "act",
    "Initializers": "wt",
    "Dropout": "msk",
    "Shortcuts": "product",
    "Outputs": "hd",
    "Inputs": "product",
    "The step": "product",
}
PLACE = '<div class="lg-path"></div>'


@dataclass(frozen=True)
class Lesson:
    """A lesson's place: its number, from 1, and how many there are."""

    number: int
    count: int


def topics(nav: Navigation) -> list[Section]:
    """Return the sections of the navigation that are topics, in its order."""
    return [item for item in nav.items if isinstance(item, Section) and item.title in FACTORS]


def pages(section: Section) -> list[Page]:
    """Return the pages of a topic, its first page included."""
    return [child for child in section.children if isinstance(child, Page)]


def number(nav: Navigation) -> None:
    """Give each lesson its number, for the templates."""
    path = [page for section in topics(nav) for page in pages(section)]
    for at, page in enumerate(path, start=1):
        page.lesson = Lesson(at, len(path))  # type: ignore[attr-defined]


def link(page: Page) -> str:
    """Return a lesson's entry: its number for the eye, its title for all others."""
    title = html.escape(str(page.title))
    return (
        f'<li><a href="{page.url}" data-lg-lesson="{page.url}" data-lg-title="{title}" '
        f'title="{title}">{page.lesson.number}<span class="lg-said">: {title}</span></a></li>'  # type: ignore[attr-defined]
    )


def path(nav: Navigation) -> str:
    """Return the path as HTML: a list of topics, each with its lessons."""
    rows = []
    for section in topics(nav):
        lessons = "".join(link(page) for page in pages(section))
        rows.append(
            f'<li class="{FACTORS[str(section.title)]}"><span class="name">{section.title}</span>'
            f"<ol>{lessons}</ol></li>"
        )
    return (
        f'<div class="lg-path"><ul>{"".join(rows)}</ul>'
        '<p class="lg-path__state" aria-live="polite" hidden></p></div>'
    )


def place(page: Page, nav: Navigation) -> None:
    """Put the path into the home page, once the titles of all pages are known."""
    if page.is_homepage and page.content:
        page.content = page.content.replace(PLACE, path(nav))
