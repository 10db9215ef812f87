"""Pack the book as EPUB: a zip of XHTML, the same bytes each time.

It is little enough to be written here: a library would have to be told not to put the time of day
and a random name into it.
"""

from __future__ import annotations

import copy
import html
import io
import uuid
import zipfile
from pathlib import Path

from livegrad_site.bind.chapters import Book, Chapter, nested, resolved
from livegrad_site.show import tree

_MATHML = "http://www.w3.org/1998/Math/MathML"
_FOLDER = "book"
_CONTAINER = f"""<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="{_FOLDER}/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>
"""
# What a reader who cannot see or not hear can expect, in the words of schema.org.
_ACCESS = {
    "accessMode": ["textual", "visual"],
    "accessModeSufficient": ["textual"],
    "accessibilityFeature": [
        "MathML",
        "alternativeText",
        "structuralNavigation",
        "tableOfContents",
    ],
    "accessibilityHazard": ["none"],
    "accessibilitySummary": [
        "Formulas are MathML, figures are drawings with a description, all else is text."
    ],
}


def document(title: str, body: str) -> str:
    """Return a document of the book."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="en" xml:lang="en"><head><title>{html.escape(title)}</title>'
        f'<link rel="stylesheet" type="text/css" href="book.css"/></head><body>{body}</body></html>'
    )


def chapter(book: Book, one: Chapter) -> str:
    """Return a chapter as a document: XML, with its links into the others."""
    body = copy.deepcopy(one.body)
    names = {each.url: each.name for each in book.chapters}
    for element, url, inside in list(resolved(book, body, one.url)):
        place = f"#{inside}" if inside else ""
        element.set("href", f"{names[url]}.xhtml{place}")
    for element in body.iter():
        if element.tag == "math":
            element.set("xmlns", _MATHML)
    return document(one.title, tree.written(body, "xml"))


def contents(book: Book) -> str:
    """Return the document that a reader's menu is made of."""

    def entry(one: Chapter) -> str:
        return f'<a href="{one.name}.xhtml">{html.escape(one.title)}</a>'

    menu = f'<nav epub:type="toc" id="toc"><h1>Contents</h1>{nested(book, entry)}</nav>'
    return document("Contents", menu)


def opening(book: Book, title: str, about: str) -> str:
    """Return the title page."""
    lines = [f"<h1>{title}</h1>", f'<p class="about">{about}</p>']
    lines += [
        f'<p class="made">{book.verified}</p>',
        f'<p class="made">{html.escape(book.site)}</p>',
    ]
    return document(title, f'<section class="title-page">{"".join(lines)}</section>')


def package(book: Book, title: str, about: str, documents: dict[str, str]) -> str:
    """Return what the book is, which files it has, and their order."""
    items, order = [], []
    for name, text in documents.items():
        has = {"svg": "<svg" in text, "mathml": "<math" in text, "nav": name == "contents.xhtml"}
        said = " ".join(kind for kind, there in has.items() if there)
        properties = f' properties="{said}"' if said else ""
        called = "d-" + name.removesuffix(".xhtml")
        kind = 'media-type="application/xhtml+xml"'
        items.append(f'<item id="{called}" href="{name}" {kind}{properties}/>')
        order.append(f'<itemref idref="{called}"/>')
    items.append('<item id="sheet" href="book.css" media-type="text/css"/>')
    access = "".join(
        f'<meta property="schema:{name}">{value}</meta>'
        for name, values in _ACCESS.items()
        for value in values
    )
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"{book.site} {book.verified}")
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="own" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="own">urn:uuid:{own}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:language>en-GB</dc:language>
<dc:creator>The Livegrad authors</dc:creator>
<dc:description>{about}</dc:description>
<dc:rights>CC BY 4.0, code MIT</dc:rights>
<dc:date>{book.day}</dc:date>
<meta property="dcterms:modified">{book.day}T00:00:00Z</meta>
{access}
</metadata>
<manifest>{"".join(items)}</manifest>
<spine>{"".join(order)}</spine>
</package>
"""


def bound(book: Book, title: str, about: str) -> bytes:
    """Return the book as EPUB."""
    documents = {"title.xhtml": opening(book, title, about), "contents.xhtml": contents(book)}
    documents |= {f"{one.name}.xhtml": chapter(book, one) for one in book.chapters}
    sheet = Path(__file__).with_name("book.css").read_text(encoding="utf-8")
    files = {
        "META-INF/container.xml": _CONTAINER,
        f"{_FOLDER}/book.opf": package(book, title, about, documents),
        f"{_FOLDER}/book.css": sheet,
        **{f"{_FOLDER}/{name}": text for name, text in documents.items()},
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        # Named first and not compressed: that is how such a file is known.
        _add(packed, "mimetype", "application/epub+zip", zipfile.ZIP_STORED, book.day)
        for name, text in files.items():
            _add(packed, name, text, zipfile.ZIP_DEFLATED, book.day)
    return made.getvalue()


def _add(packed: zipfile.ZipFile, name: str, text: str, how: int, day: str) -> None:
    year, month, date = (int(part) for part in day.split("-"))
    about = zipfile.ZipInfo(name, (year, month, date, 0, 0, 0))
    about.compress_type = how
    about.external_attr = 0o644 << 16
    about.create_system = 3  # not the machine's
    packed.writestr(about, text.encode())
