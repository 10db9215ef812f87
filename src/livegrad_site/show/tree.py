"""Read HTML of the build as a tree, and write it again: for what is made of finished pages.

The builder's HTML is XML but for empty elements, bare attributes and named characters. Mended, it
is read by a parser of XML, which keeps the names of SVG as they are written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Literal
from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"""<([a-zA-Z][\w:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(/?)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?""")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#[xX][0-9a-fA-F]+);)(\w+;)?")

Test = Callable[[Element], bool]


def _tag(match: re.Match[str]) -> str:
    attributes = ""
    for name, value in _ATTRIBUTE.findall(match[2]):
        quoted = value if value[:1] in {'"', "'"} else f'"{value}"'
        attributes += f" {name}={quoted.replace('<', '&lt;')}"
    return f"<{match[1]}{attributes}{'/' if match[3] or match[1].lower() in VOID else ''}>"


def _character(match: re.Match[str]) -> str:
    known = html.unescape(match[0])
    return known if match[1] and known != match[0] else match[0].replace("&", "&amp;")


def parsed(text: str) -> Element:
    """Return the children of a ``div`` around a piece of HTML.

    Raises:
        expat.ExpatError: if its elements are not closed in the order in which they were opened.
    """
    mended = _NAMED.sub(_character, _TAG.sub(_tag, _COMMENT.sub("", text)))
    builder = TreeBuilder()
    # Without namespaces: a prefix stays what is written.
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(f"<div>{mended}</div>", True)
    return builder.close()


def written(element: Element, method: Literal["html", "xml"] = "html") -> str:
    """Return an element as HTML or as XML, without what follows it."""
    tail, element.tail = element.tail, None
    try:
        return tostring(element, encoding="unicode", method=method)
    finally:
        element.tail = tail


def inside(element: Element) -> str:
    """Return the HTML of what is in an element."""
    opened = written(element)
    return opened[opened.index(">") + 1 : opened.rindex("<")]


def classes(element: Element) -> set[str]:
    """Return the names of the classes of an element."""
    return set(element.get("class", "").split())


def words(element: Element) -> str:
    """Return the text of an element in one line."""
    return " ".join("".join(element.itertext()).split())


def first(element: Element, test: Test) -> Element | None:
    """Return the first element, of this one and all in it, that passes."""
    return next((one for one in element.iter() if test(one)), None)


def has(name: str) -> Test:
    """Return the test for a class."""
    return lambda element: name in classes(element)


def drop(root: Element, away: Test, *, keep_content: bool = False) -> None:
    """Take elements out of a tree; the text behind each stays, and if asked what was in it."""
    for parent in list(root.iter()):
        for child in list(parent):
            if away(child):
                _take_out(parent, child, keep_content)


def _take_out(parent: Element, child: Element, keep_content: bool) -> None:
    at = list(parent).index(child)
    parent.remove(child)
    kept = list(child) if keep_content else []
    text = (child.text or "") if keep_content else ""
    if kept:
        kept[-1].tail = (kept[-1].tail or "") + (child.tail or "")
    else:
        text += child.tail or ""
    if at:
        before = parent[at - 1]
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    for offset, one in enumerate(kept):
        parent.insert(at + offset, one)


def links(root: Element) -> Iterator[tuple[Element, str]]:
    """Return each element that leads somewhere or shows a file, and its attribute for that."""
    for element in root.iter():
        if element.tag == "a" and "href" in element.attrib:
            yield element, "href"
        elif element.tag == "img" and "src" in element.attrib:
            yield element, "src"
