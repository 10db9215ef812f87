"""Put a quiet mark at each sentence that has a proof: it opens the proof and the values it had.

The browser's own popover opens it: by keyboard, touch and screen reader, without a script.
"""

from __future__ import annotations

import html
import re

from mkdocs.structure.pages import Page

from livegrad_site.check import proofs
from livegrad_site.read import fences, languages, sentences
from livegrad_site.run import blocks, cache

WORD = r"(?<![^\s<>])(?P<word>[^\s<>]+)(?P<close></(?:strong|em)>)?"
"""The last word before a place, and an emphasis that ends with it."""
_PLACE = re.compile(
    rf'(?:(?P<alone><p>)|{WORD})?<span data-lg-proof="(?P<number>\d+)"></span>'
    r"(?(alone)(?P<end></p>)?)"
)

_shown: dict[str, list[list[proofs.Shown]]] = {}


def of_page(text: str) -> list[list[proofs.Shown]]:
    """Return for each mark of a page what it shows, in order."""
    found = {}
    page: list[proofs.Block] | None = None
    for sentence in sentences.read(text):
        for mark in sentence.marks:
            if page is None:
                page = proofs.page_of(text, blocks.record(text))
            try:
                evidence = proofs.Evidence(page, sentence.line)
                found[mark.start()] = proofs.prove(sentence.plain, sentence.items, evidence)
            except proofs.ProofError as error:  # seen when served, and never published
                found[mark.start()] = [proofs.Shown("this does not prove it", str(error))]
    return [found.get(mark.start(), []) for mark in sentences.MARK.finditer(text)]


def placed(markdown: str) -> str:
    """Return a page with a place for each mark; one on a line of its own is a paragraph."""
    number = -1

    def place(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        spot = f'<span data-lg-proof="{number}"></span>'
        before = markdown[: match.start()].rpartition("\n")[2]
        after = markdown[match.end() :].partition("\n")[0]
        if before.strip() or after.strip():
            return spot
        lead = match[0][: len(match[0]) - len(match[0].lstrip())]
        return f"\n{lead}{spot}\n"

    return fences.GIVEN.sub("", sentences.MARK.sub(place, markdown))


def button(number: int | str, shown: list[proofs.Shown]) -> str:
    """Return the mark and what it opens; what is only set has nothing to show."""
    shown = [one for one in shown if one.item != proofs.SET]
    if not shown:
        return ""
    # The search leaves out an element up to the next end of one with its name: in it is no other.
    rows = "".join(
        f'<bdi class="lg-proof-item"><code>{html.escape(one.item)}</code> '
        f'<b class="lg-proof-value">{html.escape(one.value)}</b></bdi>'
        for one in shown
    )
    return (
        f'<button class="lg-proof" type="button" popovertarget="proof-{number}" '
        'aria-label="What this rests on"></button>'
        f'<span class="lg-proof-note" id="proof-{number}" popover data-search-exclude>'
        f'<bdi class="lg-proof-head">What this rests on, in this build</bdi>{rows}</span>'
    )


def behind(match: re.Match[str], made: str) -> str:
    """Return a mark behind the word of ``WORD``, as one piece: no line begins with a mark."""
    word, close = match["word"], match["close"] or ""
    if not word or not made:
        return f"{word or ''}{close}{made}"
    return f'<span class="lg-proof-word">{word}{made}</span>{close}'


def in_markdown(markdown: str, page: Page) -> str:
    """Make places for the marks."""
    name = page.file.src_uri
    if not name.endswith(".md") or not sentences.MARK.search(markdown):
        return fences.GIVEN.sub("", markdown)
    # What proves an English sentence bears out its translation too.
    _, english = languages.of(name)
    text = (cache.ROOT / "docs" / english).read_text(encoding="utf-8")
    _shown[name] = of_page(text)
    return placed(markdown)


def in_content(content: str, page: Page) -> str:
    """Put the marks in; Markdown never has to parse them."""
    shown = _shown.get(page.file.src_uri)
    if shown is None:
        return content

    def mark(match: re.Match[str]) -> str:
        number = int(match["number"])
        made = button(number, shown[number])
        if not match["end"]:
            return (match["alone"] or "") + behind(match, made)
        return made and f'<p class="lg-proof-line">{made}</p>'

    return _PLACE.sub(mark, content)
