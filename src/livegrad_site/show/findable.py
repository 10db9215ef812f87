"""Let the search find what a reader pastes into it: an error message, a code of the doctor, a name.

Each message on the page of errors and each code on the doctor's page gets an anchor and an entry
of its own in the search index; a symptom's section is found by the words that are typed for it.
They are tags there, as a page's `keywords` are, from its front matter: a word of a tag counts more
than one of a title. The tags themselves are not shown.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

ERRORS = "reference/errors.md"
CODES = "doctor/codes.md"
SYMPTOMS = "doctor/symptoms.md"
_HEADING = re.compile(r'<h2 id="[^"]*">(.*?)<a class="headerlink"', re.DOTALL)
_MESSAGE = re.compile(r"^((?:<span></span><code>)?)(\w+Error: )(.+?)((?:</code>.*)?)$")
_CODE = re.compile(r"<tr>\s*<td><code>([a-z-]+)</code></td>\s*<td>(.*?)</td>")

_SYMPTOM = re.compile(
    r'<h2 id="(?P<id>[^"]*)">(?:(?!</h2>).)*</h2>\s*<p>Typed as: (?P<typed>.*?)\.</p>', re.DOTALL
)

_entries: list[dict[str, Any]] = []
_keywords: dict[str, list[str]] = {}


def slug(text: str, taken: set[str]) -> str:
    """Return an identifier made of a message's words, one that is not ``taken``."""
    words = "-".join(re.findall(r"[a-z0-9_]+", html.unescape(text).lower()))[:70]
    name, count = words, 1
    while name in taken:
        count += 1
        name = f"{words}-{count}"
    taken.add(name)
    return name


def entry(location: str, title: str, text: str) -> dict[str, Any]:
    """Return what the search index holds of an anchor; title and text are HTML."""
    tags = [html.unescape(title)]
    # Before a page of which only the beginning of a word fits.
    return {"location": location, "title": title, "text": text, "tags": tags, "boost": 2}


def messages(content: str, url: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the page with an anchor at each message, and the messages' entries."""
    entries: list[dict[str, Any]] = []
    taken = set(re.findall(r'id="([^"]+)"', content))
    section = ""
    lines = content.split("\n")
    for at, line in enumerate(lines):
        if heading := _HEADING.search(line):
            section = heading[1]
        # Beyond its start a line of a printed block has no markup but the block's own.
        before, mark, rest = line.rpartition("<pre>")
        if found := _MESSAGE.match(rest):
            start, kind, said, end = found.groups()
            name = slug(said, taken)
            lines[at] = f'{before}{mark}{start}<span id="{name}">{kind}{said}</span>{end}'
            entries.append(entry(f"{url}#{name}", said, f"{kind}{section}"))
    return "\n".join(lines), entries


def codes(content: str, url: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the page with an anchor at each row that explains a code, and the codes' entries."""
    entries: list[dict[str, Any]] = []

    def row(match: re.Match[str]) -> str:
        entries.append(entry(f"{url}#code-{match[1]}", match[1], match[2]))
        return match[0].replace("<tr>", f'<tr id="code-{match[1]}">', 1)

    return _CODE.sub(row, content), entries


def typed(content: str) -> dict[str, list[str]]:
    """Return what is typed for each symptom, by the anchor of its section."""
    return {
        found["id"]: [" ".join(one.split()) for one in html.unescape(found["typed"]).split(";")]
        for found in _SYMPTOM.finditer(content)
    }


def begin() -> None:
    """Forget the last build: `serve` builds more than once."""
    _entries.clear()
    _keywords.clear()


def in_content(content: str, page: Page) -> str:
    """Set the anchors, and note what the index will need."""
    if words := page.meta.get("keywords"):
        _keywords[page.url] = words
    if page.file.src_uri == SYMPTOMS:
        _keywords.update({f"{page.url}#{at}": words for at, words in typed(content).items()})
    find = {ERRORS: messages, CODES: codes}.get(page.file.src_uri)
    if find is None:
        return content
    content, found = find(content, page.url)
    _entries.extend(found)
    return content


# Each word of a query is taken for the beginning of one, so that "a" finds Adam. Only the last one
# may still be typed, and a number is itself: 0 is not the beginning of 0.5.
_ALL_BEGIN = r".map(r=>/(^[+-]|[~^]\d+$)/.test(r)?r:`${r}*`)"
_LAST_BEGINS = r".map((r,n,i)=>/(^[+-]|[~^]\d+$|^[\d.]+$)/.test(r)||n<i.length-1?r:`${r}*`)"
# Lunr merges states of its automaton that have the same text: letter and number of each next state,
# one behind the other. Where words are digits, two states may have one text and be unlike; words
# then come out that stand nowhere, and the search ends in an error. An end behind each number.
_ALIKE, _APART = "e=e+s+o.id}", 'e=e+s+o.id+";"}'


def mend(script: str) -> str:
    """Return the search's script, mended in both places.

    Raises:
        ValueError: if a place is not there, as in a later version.
    """
    for found, mended in ((_ALIKE, _APART), (_ALL_BEGIN, _LAST_BEGINS)):
        if mended in script:  # a build that copied what has changed alone
            continue
        if script.count(found) != 1:
            raise ValueError(f"script must have {found!r} once, got {script.count(found)} times")
        script = script.replace(found, mended)
    return script


def write(site: Path) -> None:
    """Complete the search index of a built site, and mend what reads it."""
    for worker in site.glob("assets/javascripts/workers/search.*.js"):
        worker.write_text(mend(worker.read_text(encoding="utf-8")), encoding="utf-8")
    path = site / "search" / "search_index.json"
    if not path.exists():
        return
    index = json.loads(path.read_text(encoding="utf-8"))
    for document in index["docs"]:
        if document["location"] in _keywords:
            document["tags"] = _keywords[document["location"]]
    index["docs"].extend(_entries)
    path.write_text(json.dumps(index, separators=(",", ":")), encoding="utf-8")
