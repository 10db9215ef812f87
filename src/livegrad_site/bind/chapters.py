"""Read the built site as chapters: each page's article, without what only a screen can do.

Folds are open. Of tabs the first, which has NumPy, stays in its place; Keras and PyTorch go to an
appendix. They print the same, as the build compares, and a lesson that says everything three times
would be read by nobody. An explorer leaves its figure and a line that says where it is alive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element, SubElement

from mkdocs.utils.yaml import yaml_load

from livegrad_site.show import tree

APPENDIX = "The same in Keras and PyTorch"
_AWAY = {"lg-place", "lg-proof", "lg-proof-note", "lg-proof-line", "headerlink"}
_AWAY |= {"mkdocstrings-source", "md-content__button", "lg-said", "doc-labels"}
# Words of code in the ink of the text, or nearly.
_INK = {
    "n",
    "nc",
    "ne",
    "nf",
    "nn",
    "na",
    "nv",
    "fm",
    "vm",
    "w",
    "p",
    "o",
    "si",
    "sa",
    "bp",
    "nd",
    "normal",
}
# What is kept together with a mark that a book has not.
_ALONE = {"lg-proof-word"}
_AWAY_TAGS = {"button", "input", "nav", "form", "script", "link"}
_KEPT = {"class", "id", "href", "src", "alt", "title", "colspan", "rowspan"}
_ARTICLE = re.compile(r"<article.*?</article>", re.DOTALL)
_CANONICAL = re.compile(r'<link rel="canonical" href="([^"]*)"')
_VERIFIED = re.compile(r'<span class="lg-verified">(.*?)</span>')
# The palette's variables with what they are where a style sheet sets none.
_VARIABLE = re.compile(r"var\(--lg-c\d, *(#[0-9a-f]+)\)")


@dataclass
class Chapter:
    """A page: where it is on the site, its title and depth in the book, and its content."""

    url: str
    title: str
    depth: int
    body: Element

    @property
    def name(self) -> str:
        """What it is called in the book."""
        return self.url.strip("/").replace("/", "-") or "home"


@dataclass
class Book:
    """The chapters in order, and what the site says of itself."""

    chapters: list[Chapter]
    site: str  # its address
    verified: str  # its footer's line
    code: dict[str, list[tuple[str, Element]]] = field(default_factory=dict)

    @property
    def day(self) -> str:
        """The day of the commit that it was built from; without one, a day that never changes."""
        found = re.search(r"\d{4}-\d\d-\d\d", self.verified)
        return found[0] if found else "1980-01-01"


def read(site: Path, config: Path) -> Book:
    """Return the book of a built site; its order is the navigation's.

    Raises:
        FileNotFoundError: if a page of the navigation was not built.
    """
    home = (site / "index.html").read_text(encoding="utf-8")
    address, verified = _CANONICAL.search(home), _VERIFIED.search(home)
    book = Book([], address[1] if address else "", verified[1] if verified else "")
    nav = yaml_load(config.read_text(encoding="utf-8"))["nav"]
    for title, source, depth in listed(nav):
        url = re.sub(r"(^|/)index/$", r"\1", source.rpartition(".")[0] + "/")
        text = (site / url / "index.html").read_text(encoding="utf-8")
        body = content(text, url, book)
        own = tree.first(body, lambda one: one.tag == "h1")
        said = tree.words(own) if own is not None and not (title and url) else title
        book.chapters.append(Chapter(url, said, depth, body))
    if book.code:
        book.chapters.append(appendix(book))
    return book


def listed(nav: list[Any], depth: int = 1, section: str = "") -> Iterator[tuple[str, str, int]]:
    """Return title, file and depth of each page: a section's first page stands for the section."""
    for at, entry in enumerate(nav):
        (title, below), *_ = entry.items() if isinstance(entry, dict) else [("", entry)]
        if isinstance(below, list):
            yield from listed(below, depth + (1 if section else 0), title)
        elif section:
            yield (section, below, depth) if at == 0 else (title, below, depth + 1)
        else:
            yield title, below, depth


def content(text: str, url: str, book: Book) -> Element:
    """Return a page's article as it stands in a book."""
    found = _ARTICLE.search(text)
    if found is None:
        raise ValueError(f"{url} has no article")
    root = tree.parsed(_VARIABLE.sub(r"\1", found[0]))[0]
    root.tag = "section"
    _unwalked(root)
    tree.drop(root, lambda one: one.tag in _AWAY_TAGS or bool(_AWAY & tree.classes(one)))
    plain = _INK | _ALONE
    tree.drop(root, lambda one: one.tag == "span" and tree.classes(one) <= plain, keep_content=True)
    for element in list(root.iter()):
        if "tabbed-set" in tree.classes(element):
            _untab(element, url, book)
        elif element.tag == "details":
            _unfold(element)
        elif "lg-explorer" in tree.classes(element):
            _still(element, url, book)
        elif "highlighttable" in tree.classes(element):
            _unnumber(element)
    _bare(root)
    return root


def _unwalked(root: Element) -> None:
    """Take out the section whose list of lessons a browser ticks: a book has its contents."""
    path = next((one for one in root if "lg-path" in tree.classes(one)), None)
    if path is None:
        return
    end = list(root).index(path)
    begin = max(at for at in range(end) if root[at].tag == "h2")
    for one in list(root)[begin : end + 1]:
        root.remove(one)


def _bare(element: Element) -> None:
    """Leave no attribute that only a screen has a use for; all are what a drawing shows."""
    if element.tag not in {"svg", "math"}:
        element.attrib = {key: one for key, one in element.items() if key in _KEPT}
        for child in element:
            _bare(child)


def _untab(element: Element, url: str, book: Book) -> None:
    """Leave the first tab, and put the others into the appendix."""
    labels = tree.first(element, tree.has("tabbed-labels"))
    blocks = [one for one in element.iter() if "tabbed-block" in tree.classes(one)]
    names = [tree.words(one) for one in labels] if labels is not None else []
    first, *others = blocks
    kept = book.code.setdefault(url, [])
    number = len({place for place, _ in kept}) + 1
    for name, block in zip(names[1:], others, strict=True):
        # What it prints is what the first tab prints.
        for printed in [one for one in block if "language-text" in tree.classes(one)]:
            block.remove(printed)
        for one in block.iter():
            one.attrib.pop("id", None)
        block.tag, block.tail = "div", None
        kept.append((f"{number} {name}", block))
    tail = element.tail
    element.clear()
    element.tag, element.tail = "div", tail
    element.extend(list(first))
    line = SubElement(element, "p", {"class": "same"})
    link = SubElement(line, "a", {"href": f"/{place(url)}"})
    link.text = f"The same in {' and '.join(names[1:])}"


def place(url: str) -> str:
    """Return where the appendix has a page's code, as an address on the site would be written."""
    return f"keras-and-pytorch/#{url.strip('/').replace('/', '-') or 'home'}"


def _unfold(element: Element) -> None:
    """Open a fold for good."""
    element.tag = "div"
    element.set("class", f"fold {element.get('class', '')}".strip())
    for child in element:
        if child.tag == "summary":
            child.tag = "p"
            child.set("class", "fold-title")


def _still(element: Element, url: str, book: Book) -> None:
    """Say where an explorer is alive."""
    line = SubElement(element, "p", {"class": "alive"})
    line.text = "On the site this can be changed and answers at once: "
    link = SubElement(line, "a", {"href": f"{book.site}{url}#{element.get('id', '')}"})
    link.text = f"{url}#{element.get('id', '')}"
    link.tail = "."


def _unnumber(element: Element) -> None:
    """Leave the code of a table whose first column are numbers of lines."""
    code = tree.first(element, lambda one: one.tag == "div" and "highlight" in tree.classes(one))
    tail = element.tail
    kept = [code] if code is not None else []
    element.clear()
    element.tag, element.tail = "div", tail
    element.extend(kept)


def appendix(book: Book) -> Chapter:
    """Return the chapter of all code that stands in the second and third tabs."""
    titles = {chapter.url: chapter.title for chapter in book.chapters}
    root = Element("section")
    SubElement(root, "h1").text = APPENDIX
    about = SubElement(root, "p")
    about.text = "What each block prints is what the block with NumPy prints: the build compares."
    for url, blocks in book.code.items():
        head = SubElement(root, "h2", {"id": place(url).partition("#")[2]})
        SubElement(head, "a", {"href": f"/{url}"}).text = titles[url]
        for name, block in blocks:
            number, _, framework = name.partition(" ")
            several = len(blocks) > 2
            label = SubElement(root, "p", {"class": "framework"})
            label.text = f"{framework}, block {number}" if several else framework
            root.append(block)
    return Chapter(place("").partition("#")[0], APPENDIX, 1, root)


def nested(book: Book, entry: Callable[[Chapter], str]) -> str:
    """Return the chapters as lists in lists, each with what ``entry`` makes of it."""
    opened, lines = 0, []
    for one in book.chapters:
        if one.depth > opened:
            lines.append("<ol>" * (one.depth - opened))
        else:
            lines.append("</li></ol>" * (opened - one.depth) + "</li>")
        opened = one.depth
        lines.append(f"<li>{entry(one)}")
    return "".join(lines) + "</li></ol>" * opened


def resolved(book: Book, root: Element, url: str) -> Iterator[tuple[Element, str, str]]:
    """Return each link of a chapter that leads into the book: element, page and name on it.

    Links to other files of the site become addresses on the web.
    """
    known = {chapter.url for chapter in book.chapters}
    for element, attribute in tree.links(root):
        parts = urlsplit(element.attrib[attribute])
        if parts.scheme or parts.netloc:
            continue
        path = urljoin(f"/{url}", parts.path or ".").lstrip("/") if parts.path else url
        if path in known:
            yield element, path, unquote(parts.fragment)
        else:
            anchor = f"#{parts.fragment}" if parts.fragment else ""
            element.set(attribute, f"{book.site}{path}{anchor}")
