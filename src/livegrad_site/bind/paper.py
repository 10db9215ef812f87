"""Print the book: one PDF with contents, an outline, numbers of pages and links inside of it.

The text is printed first, then the title and the contents, which need to know its pages. Their
links are made when both are put together.
"""

from __future__ import annotations

import copy
import html
import io
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pypdf
from playwright.sync_api import Browser, sync_playwright
from pypdf.constants import PageLabelStyle
from pypdf.generic import ArrayObject, Fit, NameObject, TextStringObject

from livegrad_site.bind import packed
from livegrad_site.bind.chapters import Book, Chapter, nested, resolved
from livegrad_site.show import tree

HERE = Path(__file__).parent
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# An address that no page has: what the contents link to until the text has joined them.
PLACE = "https://book.invalid/"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def anchor(name: str, inside: str = "") -> str:
    """Return what a place on a page is called in the one document that the book is."""
    return f"{name}--{inside}" if inside else name


def chapter(book: Book, one: Chapter) -> str:
    """Return a chapter for the one document: names and links, and headings at their depth."""
    body = copy.deepcopy(one.body)
    names = {chapter.url: chapter.name for chapter in book.chapters}
    for element, url, inside in list(resolved(book, body, one.url)):
        element.set("href", f"#{anchor(names[url], inside)}")
    _renamed(body, one)
    body.set("class", "chapter")
    body.set("id", one.name)
    return tree.written(body)


def sections(one: Chapter) -> list[tuple[str, str, int]]:
    """Return a chapter's headings that have a name: what it is called, its words, its depth."""
    found = [(one.name, one.title, one.depth)]
    for element in one.body.iter():
        level = _HEADINGS.get(element.tag, 0)
        if 1 < level < 4 and "id" in element.attrib and "doc-heading" not in tree.classes(element):
            name = anchor(one.name, element.attrib["id"])
            found.append((name, tree.words(element), one.depth + level - 1))
    return found


def _renamed(element: Element, one: Chapter) -> None:
    if element.tag == "svg":
        return  # its parts are called by what they are
    if "id" in element.attrib:
        element.set("id", anchor(one.name, element.attrib["id"]))
    if element.tag in _HEADINGS:
        element.tag = f"h{min(6, _HEADINGS[element.tag] + one.depth - 1)}"
    for child in element:
        _renamed(child, one)


def document(title: str, body: str) -> str:
    """Return a document with the book's style sheets."""
    sheets = "".join((HERE / name).read_text("utf-8") for name in ("book.css", "paper.css"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{sheets}</style></head><body>{body}</body></html>"
    )


def front(book: Book, title: str, about: str, places: dict[str, tuple[int, float]]) -> str:
    """Return the title and the contents, with the pages that the chapters begin on."""

    def entry(one: Chapter) -> str:
        return (
            f'<a href="{PLACE}{one.name}"><span>{html.escape(one.title)}</span>'
            f'<span class="dots"></span><span>{places[one.name][0]}</span></a>'
        )

    site = html.escape(book.site)
    return (
        f'<section class="title-page"><h1>{title}</h1><p class="about">{about}</p>'
        f'<p class="made">{book.verified}</p><p class="made">{site}</p></section>'
        f'<nav class="contents"><h1>Contents</h1>{nested(book, entry)}</nav>'
    )


def printed(browser: Browser, text: str, folder: Path) -> pypdf.PdfReader:
    """Return what a browser prints of a document; it may load nothing."""
    path = folder / "book.html"
    path.write_text(text, encoding="utf-8")
    page = browser.new_page()
    try:
        page.set_default_timeout(0)
        page.goto(path.as_uri())
        made = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True)
    finally:
        page.close()
    return pypdf.PdfReader(io.BytesIO(made))


def starts(text: pypdf.PdfReader, names: Iterable[str]) -> dict[str, tuple[int, float]]:
    """Return where each place is: the number of its page, from 1, and how far up it stands."""
    places = {str(key).lstrip("/"): place for key, place in text.named_destinations.items()}
    pages = {_number(page): at for at, page in enumerate(text.pages, start=1)}
    found = {name: places[name] for name in names if name in places}
    return {
        name: (pages[place.raw_get("/Page").idnum], float(place.get("/Top", 0)))
        for name, place in found.items()
    }


def _number(page: pypdf.PageObject) -> int:
    return page.indirect_reference.idnum if page.indirect_reference else 0


def bound(book: Book, title: str, about: str) -> bytes:
    """Return the book as PDF.

    Raises:
        FileNotFoundError: if there is no Chromium.
        ValueError: if a chapter is on no page.
    """
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise FileNotFoundError("no Chromium on this machine: install Debian's package chromium")
    names = {one.name for one in book.chapters}
    heads = [head for one in book.chapters for head in sections(one)]
    # The printer keeps the names of places that something links to.
    links = "".join(f'<a href="#{name}"></a>' for name, _, _ in heads)
    body = "".join(chapter(book, one) for one in book.chapters)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        text = printed(browser, document(title, body + links), Path(folder))
        places = starts(text, [name for name, _, _ in heads])
        if missing := [name for name, _, _ in heads if name not in places]:
            raise ValueError(f"on no page of the book: {', '.join(missing)}")
        first = front(book, title, about, places)
        opening = printed(browser, document(title, first), Path(folder))
        browser.close()
    outline = [(words, depth, *places[name]) for name, words, depth in heads]
    return joined(
        text, opening, outline, {name: places[name][0] for name in names}, book, title, about
    )


def joined(
    text: pypdf.PdfReader,
    opening: pypdf.PdfReader,
    outline: list[tuple[str, int, int, float]],
    numbers: dict[str, int],
    book: Book,
    title: str,
    about: str,
) -> bytes:
    """Put the opening before the text, with links between them, and say what it is."""
    writer = pypdf.PdfWriter(clone_from=text)
    count = len(opening.pages)
    for at, page in enumerate(opening.pages):
        writer.insert_page(page, at)
    for page in writer.pages[:count]:
        for annotation in page.get("/Annots", []):
            _led(annotation.get_object(), writer, numbers, count)
    writer.set_page_label(0, count - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(count, len(writer.pages) - 1, style=PageLabelStyle.DECIMAL, start=1)
    writer.add_outline_item(title="Contents", page_number=1)
    parents: list[Any] = []
    for words, depth, page_number, top in outline:
        del parents[depth - 1 :]
        above = parents[-1] if parents else None
        fit = Fit.xyz(left=None, top=top, zoom=None)
        place = count + page_number - 1
        item = writer.add_outline_item(
            title=words, page_number=place, parent=above, fit=fit, is_open=False
        )
        parents.append(item)
    stamp = f"D:{book.day.replace('-', '')}000000Z"
    writer.metadata = {
        "/Title": title,
        "/Subject": about,
        "/Author": "The Livegrad authors",
        "/CreationDate": stamp,
        "/ModDate": stamp,
    }
    writer.root_object[NameObject("/Lang")] = TextStringObject("en-GB")
    return packed.written(writer, f"{title} {book.verified}")


def _led(annotation: Any, writer: pypdf.PdfWriter, numbers: dict[str, int], count: int) -> None:
    """Turn a link to a chapter's place-holder into one to its page."""
    action = annotation.get("/A", {})
    target = str(action.get("/URI", ""))
    if target.startswith(PLACE):
        page = writer.pages[numbers[target.removeprefix(PLACE)] - 1 + count]
        del annotation["/A"]
        fit = ArrayObject([page.indirect_reference, NameObject("/Fit")])
        annotation[NameObject("/Dest")] = fit
