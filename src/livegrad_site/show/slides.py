"""Make slides of a lesson's finished page: what is presented is what is read.

Each part of a lesson is a function from the page to a slide, or to none where a page has no such
part. ``PARTS`` is their order; another part is another function in it. What a slide leaves out of
what it shows goes to its notes.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from livegrad_site.show import tree

# Letters that a slide shows of running text, unless its first sentence is longer.
SHOWN = 340
# Words of bold print that are a name and say nothing alone.
NAME = 3
# Lines of code and of its output that a slide shows well, and letters in a line.
TOGETHER, WIDEST = 20, 104
HEADINGS = {"h1", "h2", "h3"}
_END = re.compile(r"(?<!\bal)(?<!e\.g)(?<!i\.e)[.!?][\"”’)]*\s+(?=[^\Wa-z_]|\W)")
_LEFT_OUT = {"lg-proof", "lg-proof-note", "lg-proof-line", "headerlink", "lg-path"}


@dataclass
class Slide:
    """A slide: its kind, for the style sheet, its heading, and HTML for it and for its notes."""

    kind: str
    title: str
    body: str
    notes: str = ""


@dataclass
class Section:
    """A heading of the page and what follows it."""

    title: str
    anchor: str
    elements: list[Element] = field(default_factory=list)


@dataclass
class Lesson:
    """The page as its sections, the first of which has the page's own title."""

    sections: list[Section]

    @property
    def start(self) -> list[Element]:
        """What stands before the first heading."""
        return self.sections[0].elements

    def section(self, start: str) -> Section | None:
        """Return the first section whose title starts so."""
        return next((one for one in self.sections if one.title.startswith(start)), None)


def read(content: str) -> Lesson:
    """Return a page's HTML as a lesson, without what only the page has a use for."""
    root = tree.parsed(content)
    tree.drop(root, lambda element: bool(_LEFT_OUT & tree.classes(element)))
    for name in ("lg-term", "lg-proof-word"):
        tree.drop(root, tree.has(name), keep_content=True)
    sections: list[Section] = []
    for element in root:
        element.tail = None
        if element.tag in {"h1", "h2"}:
            sections.append(Section(tree.inside(element), element.get("id", "")))
        elif sections:
            sections[-1].elements.append(element)
    return Lesson(sections or [Section("", "")])


def html(*elements: Element) -> str:
    """Return elements as HTML, without the names that they have on their page."""
    made = []
    for element in elements:
        one = copy.deepcopy(element)
        for inner in one.iter():
            # A figure calls its parts by name; an explorer's name is in the links to it.
            kept = inner.get("id", "").startswith(("lg", "explorer"))
            if "id" in inner.attrib and not kept:
                del inner.attrib["id"]
        made.append(tree.written(one))
    return "\n".join(made)


def cut(paragraph: Element, letters: int = SHOWN) -> tuple[Element, Element | None]:
    """Return a paragraph's first sentences, and the others if there are any."""
    spots: list[tuple[int, int, int]] = []  # letters before it, the child that it follows, place
    length = 0
    for at, child in enumerate([None, *paragraph]):
        length += len(tree.words(child)) if child is not None else 0
        text = (paragraph.text if child is None else child.tail) or ""
        spots += [(length + end.end(), at, end.end()) for end in _END.finditer(text)]
        length += len(text)
    if length <= letters or not spots:
        return paragraph, None
    fitting = [spot for spot in spots if spot[0] <= letters]
    _, at, place = (fitting or spots)[-1 if fitting else 0]
    shown, others = copy.deepcopy(paragraph), copy.deepcopy(paragraph)
    if at == 0:
        text = paragraph.text or ""
        shown.text, others.text = text[:place].rstrip(), text[place:]
        del shown[:]
    else:
        text = paragraph[at - 1].tail or ""
        del shown[at:]
        shown[at - 1].tail = text[:place].rstrip()
        others.text = text[place:]
        del others[:at]
    return shown, others


def is_code(element: Element) -> bool:
    """Return whether this is a block of Python, or the tabs that it stands in."""
    return {"language-python", "highlight"} <= tree.classes(element) or tree.has("tabbed-set")(
        element
    )


def is_print(element: Element) -> bool:
    """Return whether this is what a block printed, or the table that it made."""
    return element.tag == "table" or tree.has("highlight")(element)


def is_prose(element: Element) -> bool:
    """Return whether this is text in sentences, or a formula between them."""
    return element.tag in {"p", "ul", "ol", "blockquote"} or tree.has("lg-math")(element)


def numpy(element: Element) -> list[Element]:
    """Return a block and what it prints: of tabs, those of the first, which has NumPy."""
    tab = tree.first(element, tree.has("tabbed-block"))
    return list(tab) if tab is not None else [element]


def first_block(lesson: Lesson) -> tuple[list[Element], Element | None, list[Element]]:
    """Return the text before the page's first block, its code, and what it prints or draws."""
    for section in lesson.sections:
        for at, element in enumerate(section.elements):
            if not is_code(element):
                continue
            code, *prints = numpy(element)
            if not prints:
                follower = section.elements[at + 1 : at + 2]
                prints = [one for one in follower if not is_code(one)]
            before = [one for one in section.elements[:at] if is_prose(one)]
            return before, code, [one for one in prints if is_print(one)]
    return [], None, []


def lines(element: Element) -> list[str]:
    """Return the lines of a block; a table's have more room between them."""
    return "".join(element.itertext()).rstrip().split("\n")


def question(lesson: Lesson) -> list[Slide]:
    """The question that the lesson answers."""
    box = next((one for one in lesson.start if tree.has("question")(one)), None)
    if box is None:
        return []
    body = [one for one in box if not tree.has("admonition-title")(one)]
    rest = [one for one in first_block(lesson)[0] if one in lesson.start]
    return [Slide("question", lesson.sections[0].title, html(*body), html(*rest))]


def formula(lesson: Lesson) -> list[Slide]:
    """The formula before the first block, if there is one."""
    before, _, _ = first_block(lesson)
    found = next((one for one in before if tree.has("lg-math")(one)), None)
    if found is None or found not in lesson.start:
        return []
    rest = [one for one in before if one is not found]
    return [Slide("formula", "In a formula", html(found), html(*rest))]


def code(lesson: Lesson) -> list[Slide]:
    """The smallest code that answers the question, and what it prints."""
    before, block, prints = first_block(lesson)
    if block is None:
        return []
    lead = next((one for one in reversed(before) if one.tag == "p"), None)
    shown, rest = cut(lead) if lead is not None else (None, None)
    heads = [shown] if shown is not None else []
    notes = html(rest) if rest is not None else ""
    kind = "code" if max(map(len, lines(block))) <= WIDEST else "wide"
    if not prints or sum(len(lines(one)) for one in [block, *prints]) <= TOGETHER:
        return [Slide(kind, "The code", html(*heads, block, *prints), notes)]
    return [
        Slide(kind, "The code", html(*heads, block), notes),
        Slide("output", "Its output", html(*prints)),
    ]


def figure(lesson: Lesson) -> list[Slide]:
    """The page's first figure that no explorer stands in for."""
    for section in lesson.sections:
        if section.title == "Exercise":
            break
        for at, element in enumerate(section.elements):
            if not tree.has("lg-figure")(element):
                continue
            before = [one for one in section.elements[:at] if one.tag == "p"][-1:]
            after = [one for one in section.elements[at + 1 : at + 2] if one.tag == "p"]
            said = before or after
            title = section.title if section is not lesson.sections[0] else "The figure"
            return [Slide("figure", title, html(element), html(*said))]
    return []


def explorer(lesson: Lesson) -> list[Slide]:
    """The page's explorer, alive."""
    for section in lesson.sections:
        for at, element in enumerate(section.elements):
            if not tree.has("lg-explorer")(element):
                continue
            live = copy.deepcopy(element)
            tree.drop(live, lambda one: one.tag == "details")
            before = section.elements[:at]
            heads = [tree.inside(one) for one in before if one.tag in HEADINGS]
            title = heads[-1] if heads else section.title
            return [Slide("explorer", title, html(live), html(*_prose_before(before)))]
    return []


def _prose_before(elements: list[Element]) -> list[Element]:
    """Return the paragraphs since the last heading."""
    found: list[Element] = []
    for element in reversed(elements):
        if element.tag in HEADINGS:
            break
        if element.tag == "p":
            found.insert(0, element)
    return found


def conclusion(lesson: Lesson) -> list[Slide]:
    """What the reader saw: the first sentences; the others are for the speaker."""
    section = lesson.section("What you saw")
    if section is None:
        return []
    prose = [one for one in section.elements if is_prose(one)]
    # What stands behind a block or a table speaks of that.
    after = itertools.dropwhile(lambda one: not is_prose(one), section.elements)
    shown: list[Element] = []
    rest, left = list(prose), SHOWN
    for element in itertools.takewhile(is_prose, after):
        begin, others = cut(element, left) if element.tag == "p" else (element, None)
        if shown and len(tree.words(begin)) > left:
            break
        shown.append(begin)
        rest = [*([others] if others is not None else []), *rest[1:]]
        left -= len(tree.words(begin))
        if others is not None:
            break
    return [Slide("conclusion", section.title, html(*shown), html(*rest))] if shown else []


def why(lesson: Lesson) -> list[Slide]:
    """The reason as the page's heading says it, with its first formula."""
    section = lesson.section("Why")
    if section is None:
        return []
    found = next((one for one in section.elements if tree.has("lg-math")(one)), None)
    if found is None:
        return []
    rest = [one for one in section.elements if one.tag == "p"][:2]
    return [Slide("why", section.title, html(found), html(*rest))]


def pitfalls(lesson: Lesson) -> list[Slide]:
    """The pitfalls in short: what is bold at the start of each, or its first sentence."""
    section = lesson.section("Pitfalls")
    items = [
        item
        for element in (section.elements if section else [])
        if element.tag in {"ul", "ol"}
        for item in element
    ]
    if section is None or not items:
        return []
    short = Element("ul")
    for item in items:
        text = item if item.text and item.text.strip() else next(iter(item), item)
        inner = text if text.tag in {"p", "li"} else item
        point = Element("li")
        strong = next(iter(inner), None)
        leads = strong is not None and strong.tag == "strong" and not (inner.text or "").strip()
        if leads and strong is not None and len(tree.words(strong).split()) > NAME:
            bold = copy.deepcopy(strong)
            bold.tail = None
            point.append(bold)
        else:
            sentence, _ = cut(inner, SHOWN // 4)
            point.text = sentence.text
            point.extend(one for one in copy.deepcopy(sentence) if one.tag not in {"p", "div"})
        short.append(point)
    notes = [copy.deepcopy(element) for element in section.elements if element.tag in {"ul", "ol"}]
    for element in notes:
        tree.drop(element, lambda one: one.tag in {"div", "figure", "details", "table"})
    return [Slide("pitfalls", section.title, html(short), html(*notes))]


def exercise(lesson: Lesson) -> list[Slide]:
    """The exercise, without its solution."""
    section = lesson.section("Exercise")
    if section is None:
        return []
    body = [one for one in section.elements if one.tag != "details"]
    return [Slide("exercise", section.title, html(*body))]


# In this order. A prediction that the page asks for belongs behind the question.
PARTS: tuple[Callable[[Lesson], list[Slide]], ...] = (
    question,
    formula,
    code,
    figure,
    conclusion,
    why,
    explorer,
    pitfalls,
    exercise,
)


def slides(content: str) -> list[Slide]:
    """Return the slides of a page."""
    lesson = read(content)
    return [one for part in PARTS for one in part(lesson)]
