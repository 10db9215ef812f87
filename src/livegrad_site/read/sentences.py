"""Read a page as sentences, each with the proof that is written after it.

A proof is a comment, ``<!--proof ITEMS #lock-->``, behind its sentence, or on the line after its
table, heading or box. Fences are not read; a number in a formula is, unless it is an index, a power
or 0, 1 or 2; links to papers speak for their own years (see ``years``).
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass, field

import yaml

from livegrad_site.read import fences

MARK = re.compile(r"[ \t]*<!--proof\b(?P<items>.*?)-->", re.DOTALL)
_FRONT = re.compile(r"---\n(?P<meta>.*?)\n---\n", re.DOTALL)
_HERE = "\ue000"  # stands where a mark begins
_LEAD = re.compile(
    r"^[ \t>]*(?:#+ |[-*+] |\d+\. |:   |(?:!!!|\?\?\?\+?|===!?) *[\w -]*\"|\*\[)?", re.MULTILINE
)
_STARTS = re.compile(r"[ \t>]*(?:#|[-*+] |\d+\. |:   |!!!|\?\?\?|===|\*\*[^*\n]+\*\* \{#)")
_ALONE = re.compile(r"[ \t>]*(?:#|!!!|\?\?\?|===|\*\*[^*\n]+\*\* \{#)")
_END = re.compile(r"[.!?][\"”’*_)\]]*(?=\s|\ue000|$)|:(?=\s*(?:\ue000\s*)*$)")
_SHORT = re.compile(
    r"(?:\b(?:al|eq|eqs|fig|figs|sec|ch|no|vs|cf|p|pp|resp|e\.g|i\.e|approx)|\b[A-Z])\.$"
)
NUMBER = re.compile(
    r"(?<![A-Za-z_\d.])[-+]?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:[eE][-+]?\d+)?%?"
    r"|(?<![A-Za-z_\d.])[-+]?\.\d+%?|[¼-¾⅐-⅞]"
)
_NO_PROSE = re.compile(r"\$\$(?:[^$]|\$(?!\$))*\$\$|^:::.*(?:\n    .*)*", re.MULTILINE)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_PAPER = re.compile(r"\[(?P<text>[^\]]*)\]\([^)]*papers\.md#(?P<key>[a-z]+-\d{4})\)")

# The heading of a paper's own entry, whose anchor has its first author and its year.
_ENTRY = re.compile(r"(?P<author>\w+)\b[^(]* \((?P<year>\d{4})\):.* *\{#(?P<key>[a-z]+-\d{4})\}")
_STATEMENT = re.compile(r"\[S(?P<said>\d+)\]\([^)]*#s(?P<meant>\d+)\)")


@dataclass
class Sentence:
    """A sentence, a title, a table or other markup: its place, and the marks behind it."""

    start: int
    end: int
    line: int
    last: int
    raw: str
    kind: str
    marks: list[re.Match[str]] = field(default_factory=list)

    @functools.cached_property
    def plain(self) -> str:
        """The words as a reader sees them."""
        return plain(self.raw)

    @functools.cached_property
    def items(self) -> list[str]:
        """What is to prove it, without the lock."""
        return [item for item in self._items if not _LOCK.fullmatch(item)]

    @property
    def lock(self) -> str:
        """The lock that is written, or nothing."""
        return next((item[1:] for item in self._items if _LOCK.fullmatch(item)), "")

    @functools.cached_property
    def _items(self) -> list[str]:
        found = (re.split(r"\s;\s|\n|\s(?=#[0-9a-f]{6}\s*$)", mark["items"]) for mark in self.marks)
        return [item.strip() for items in found for item in items if item.strip()]

    @property
    def digest(self) -> str:
        """The lock that this sentence and its items ought to have."""
        words = " ".join(self.raw.split())
        return hashlib.sha256("\0".join([words, *self.items]).encode()).hexdigest()[:6]


_LOCK = re.compile(r"#[0-9a-f]{6}")


def lead(text: str) -> str:
    """Return the beginning of a text that makes it a title, an item or a box."""
    found = _LEAD.match(text)
    return found[0] if found else ""


def blanked(text: str) -> str:
    """Return the text with spaces for all that is not prose, every character at its place."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    front = _FRONT.match(text)
    lines = text.splitlines(keepends=True)
    for fence in fences.find(text):
        for at in range(fence.first - 1, fence.last):
            lines[at] = re.sub(r"[^\n]", " ", lines[at])
    prose = "".join(lines)
    if front:
        prose = blank(front) + prose[front.end() :]
    prose = fences.GIVEN.sub(blank, prose)
    prose = MARK.sub(lambda m: _HERE + " " * (len(m[0]) - 1), prose)
    prose = re.sub(r"<!--.*?-->", blank, prose, flags=re.DOTALL)
    return _NO_PROSE.sub(blank, prose)


# A page is read by the check, by the marks and by the count.
@functools.lru_cache(maxsize=256)
def _read(text: str) -> tuple[Sentence, ...]:
    prose = blanked(text)
    marks = {mark.start(): mark for mark in MARK.finditer(text)}
    starts = [0, *(at + 1 for at, sign in enumerate(text) if sign == "\n")]
    found: list[Sentence] = []

    def add(start: int, end: int, kind: str) -> None:
        body = prose[start:end]
        here = [marks[start + at] for at, sign in enumerate(body) if sign == _HERE]
        raw = _LEAD.sub("", body.replace(_HERE, " "), count=1) if kind != "table" else body
        raw = raw.replace(_HERE, " ").strip()
        if kind == "alone":
            raw = re.sub(r'"\s*$', "", raw)
        if not re.search(r"\w", raw):
            if here and found:
                found[-1].marks += here
            return
        lead = len(body) - len(body.lstrip())
        line = text.count("\n", 0, start + lead) + 1
        shown = body.rstrip().rstrip(_HERE).rstrip()
        last = text.count("\n", 0, start + len(shown)) + 1
        found.append(Sentence(start + lead, start + len(shown), line, last, raw, kind, here))

    for start, end, kind in _blocks(prose, starts):
        if kind in {"table", "alone"}:
            add(start, end, kind)
            continue
        at = start
        for stop in _END.finditer(prose, start, end):
            before = prose[at : stop.end()].rstrip('"”’*_)]')
            rest = prose[stop.end() : end].replace(_HERE, " ").lstrip()
            if (
                re.fullmatch(r"\s*\d+\.", before)
                or _SHORT.search(before)
                or (rest and not re.match(r"[A-Z\"“`$*\[(<_\d]", rest))
            ):
                continue
            to = stop.end()
            while (following := re.match(r"\s*\ue000", prose[to:end])) is not None:
                to += following.end()
            add(at, to, "sentence")
            at = to
        if at < end:
            add(at, end, "sentence")
    return tuple(found)


def _blocks(prose: str, starts: list[int]) -> list[tuple[int, int, str]]:
    """Return the paragraphs, items, titles and tables: first and last character, and kind."""
    blocks: list[tuple[int, int, str]] = []
    open_at: int | None = None
    kind = ""
    # A mark's inside is blank and may hold line ends: they part nothing.
    for at, start in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else len(prose)
        line = prose[start:end]
        table = line.lstrip(" \t>").startswith("|") or bool(re.match(r"[ \t]*</?[a-z]", line))
        only_mark = bool(line.strip()) and not line.replace(_HERE, "").strip()
        begins = bool(_STARTS.match(line)) or table != (kind == "table")
        if only_mark and open_at is None and blocks:
            blocks.append((start, end, "sentence"))
            continue
        if open_at is not None and (not line.strip() or (begins and not only_mark)):
            blocks.append((open_at, start, kind))
            open_at = None
        if open_at is None and line.strip():
            open_at, kind = start, "table" if table else "sentence"
            if _ALONE.match(line):
                blocks.append((start, end, "alone"))
                open_at, kind = None, ""
        elif open_at is None:
            kind = ""
    if open_at is not None:
        blocks.append((open_at, len(prose), kind))
    return blocks


def read(text: str) -> list[Sentence]:
    """Return the sentences of a page in order, its title and description not among them."""
    return list(_read(text))


def bare(text: str) -> str:
    """Return the text without its proofs, for what is not HTML."""
    return fences.GIVEN.sub("", MARK.sub("", text))


def head(text: str) -> tuple[str, list[str]]:
    """Return the title and the description, and what the front matter says to prove them."""
    front = _FRONT.match(text)
    meta = yaml.safe_load(front["meta"]) or {} if front else {}
    words = plain(". ".join(str(meta[name]) for name in ("title", "description") if name in meta))
    items = re.split(r"\s;\s|\n", str(meta.get("proof", "")))
    return words, [item.strip() for item in items if item.strip()]


def years(match: re.Match[str]) -> str:
    """Return a link's text without the year that its paper has, if author and year are right."""
    author, _, year = match["key"].partition("-")
    text = match["text"]
    if re.search(rf"\b{author}\b", text.lower()) and re.findall(r"\d{4}", text) == [year]:
        return text.replace(year, "").strip()
    return text


def plain(raw: str) -> str:
    """Return the words and numbers of a sentence as a reader sees them, numbers in one spelling."""
    entry = _ENTRY.fullmatch(raw)
    right = entry and entry["key"] == f"{entry['author'].lower()}-{entry['year']}"
    text = raw.replace(f" ({entry['year']})", "") if entry and right else raw
    text = _PAPER.sub(years, re.sub(r"\n[ \t]*>", "\n", text))
    text = _STATEMENT.sub(lambda m: "S" if m["said"] == m["meant"] else f"S {m['said']}", text)
    text = re.sub(r"\]\([^)]*\)(?:\{[^}]*\})?", "]", text)
    text = re.sub(r"\{[:#.][^}]*\}|<[^>]+>|https?://\S+", " ", text)
    text = re.sub(r"`([-−]?[\d.,]+(?:e[-+]?\d+)?)`", r" \1 ", text)
    text = re.sub(r"`[^`\n]*`", " ` ", text)
    text = re.sub(r"\$([^$]*)\$", lambda match: f" {_tex(match[1])} ", text, flags=re.DOTALL)
    text = re.sub(r"[⁰¹²³⁴-⁹⁻]+", lambda match: "e" + match[0].translate(_RAISED), text)
    text = re.sub(r"[*_\[\]]", "", text.replace("−", "-").replace("\u00a0", " "))
    text = re.sub(r"(?<=\d)[  ]%|(?<=\d) per ?cent\b", "%", text)
    return respelled(" ".join(text.split()))


def respelled(text: str) -> str:
    """Return the text with each exponent in its shortest form: e-7 for e-07, e2 for e+02."""
    return re.sub(r"(?<=\d)[eE]([-+]?)0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", text)


def _tex(tex: str) -> str:
    """Return the numbers of a formula that say something: no index, no power, no 0, 1 or 2."""
    tex = re.sub(r"(\d(?:\.\d+)?)\s*\\(?:times|cdot)\s*10\^\{?(-?\d+)\}?", r"\1e\2", tex)
    whole = re.fullmatch(r"\s*([-+]?[\d.,]+(?:e-?\d+)?)\s*\\?%?\s*", tex.replace("\\,", ""))
    if whole:
        return whole[1] + ("%" if "%" in tex else "")
    tex = re.sub(r"[_^](?:\{[^{}]*\}|\\?\w)", " ", tex)
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?", tex)
    return " ".join(["$", *(n for n in numbers if n not in {"0", "1", "2"}), "$"])


def numbers(text: str) -> list[tuple[int, int, str]]:
    """Return the numbers of a plain text: first and last character, and how it is written."""
    return [(m.start(), m.end(), m[0].rstrip(",")) for m in NUMBER.finditer(text)]
