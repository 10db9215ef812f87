"""Lead from a term in a lesson to what it means: the glossary is the one source of both.

The first use of a term in each section of a lesson becomes a link to the glossary, whose title is
the definition. It shows as a tooltip to the pointer and to the keyboard, and a reader without
either still gets there.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import lru_cache

from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from livegrad_site.read import sentences
from livegrad_site.run import cache

SOURCE = "reference/glossary.md"
TOPICS = ("gradients/", "activations/", "initializers/", "dropout/", "outputs/")
# In a sentence each of these more often means something else.
AMBIGUOUS = {"rate", "spread"}
_ENTRY = re.compile(r"^\*\*(?P<term>[^*]+)\*\* \{#(?P<id>[\w-]+)\}\n:   (?P<text>(?:.+\n?)+)", re.M)
_TOKEN = re.compile(r"(<[^>]*>)")
_SKIPPED = {
    "a", "button", "code", "dt", "figure", "h1", "h2", "h3", "h4", "label", "math", "pre", "script",
    "summary", "svg", "table",
}  # fmt: skip
# What a reader is asked is no place to look things up, and a choice that one clicks no link.
_ASKED = "lg-predict"
_SHOWN = {"p", "li", "dd"}
_LETTERS = {r"\varphi": "φ"}


@dataclass(frozen=True)
class Term:
    """A term, the place of its entry, its definition without markup, and where it is taught."""

    name: str
    id: str
    meaning: str
    taught: frozenset[str]


def plain(markdown: str) -> str:
    """Return a definition as plain text; PluginError if markup is left."""
    text = " ".join(markdown.split())
    text = re.split(r"\.? See \[", text)[0].rstrip(".") + "."
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\$([^$]*)\$", lambda m: _LETTERS.get(m[1], m[1]), text).replace("`", "")
    if re.search(r"[\\$*_\[\]]", text):
        raise PluginError(f"{SOURCE}: a tooltip cannot show {text!r}")
    return text


# `serve` reads it anew for each page: it may have been edited.
@lru_cache(maxsize=1)
def parse(markdown: str) -> list[Term]:
    """Return the terms of the glossary, the longest first."""
    terms = []
    for entry in _ENTRY.finditer(sentences.bare(markdown)):
        links = re.findall(r"\]\((?:\.\./)?([\w/-]+)\.md", entry["text"])
        terms.append(Term(entry["term"], entry["id"], plain(entry["text"]), frozenset(links)))
    return sorted(terms, key=lambda term: (-len(term.name), term.name))


def terms() -> list[Term]:
    """Return the terms of the site's glossary."""
    return parse((cache.ROOT / "docs" / SOURCE).read_text(encoding="utf-8"))


def pattern(known: list[Term]) -> re.Pattern[str]:
    """Return what finds any of the terms, in the plural too, at a sentence's start or inside."""
    names = "|".join(
        f"[{term.name[0].upper()}{term.name[0].lower()}]{re.escape(term.name[1:])}"
        for term in known
    )
    return re.compile(rf"(?<![\w-])(?P<name>{names})(?:e?s)?(?![\w-])")


def linked(content: str, known: list[Term], address: str) -> str:
    """Return the page's HTML with each term's first use in each section linked to ``address``."""
    if not known:
        return content
    find = pattern(known)
    by_name = {term.name.lower(): term for term in known}
    seen: set[str] = set()
    open_tags: list[str] = []

    def link(match: re.Match[str]) -> str:
        term = by_name[match["name"].lower()]
        if term.id in seen:
            return match[0]
        seen.add(term.id)
        meaning = html.escape(term.meaning)
        return f'<a class="lg-term" href="{address}#{term.id}" title="{meaning}">{match[0]}</a>'

    parts = _TOKEN.split(content)
    for at, part in enumerate(parts):
        tag = re.match(r"<(/?)([a-zA-Z][\w-]*)", part)
        if tag:
            name = tag[2].lower()
            if tag[1]:
                if name in open_tags:
                    while open_tags.pop() != name:
                        pass
            elif name not in {"br", "img", "hr", "input", "link", "wbr"} and part[-2] != "/":
                open_tags.append(name)
                if f'class="{_ASKED}"' in part:
                    open_tags.append(_ASKED)
                if name == "h2":
                    seen.clear()
        elif part.strip() and _SHOWN & set(open_tags) and not {*_SKIPPED, _ASKED} & set(open_tags):
            parts[at] = find.sub(link, part)
    return "".join(parts)


def in_content(content: str, page: Page) -> str:
    """Link the terms of a lesson, but for those that the lesson itself teaches."""
    name = page.file.src_uri
    if not name.startswith(TOPICS):
        return content
    here = name.removesuffix(".md")
    known = [
        term for term in terms() if here not in term.taught and term.name.lower() not in AMBIGUOUS
    ]
    return linked(content, known, get_relative_url("reference/glossary/", page.url))
