"""Read translations: pairs of an English sentence and what it is in another language.

A language is ``docs/_languages/de.yml``, the translation of a page ``docs/_languages/de/PAGE.txt``,
and what stands on many pages ``docs/_languages/de/common.txt``. In these, paragraphs are pairs::

    The mean stays at 2 for every rate.
    = Der Mittelwert bleibt bei jeder Rate 2.

The page itself is made of the English one: each sentence, title and table is replaced, and all else
is shared, so that code and figures are there once. So is each text of a prediction, whose
expressions in braces are those of the English one. A sentence that was changed in English has no
translation any more; it stands there in English until it has one.
"""

from __future__ import annotations

import contextlib
import functools
import posixpath
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from markdown.extensions.toc import slugify

from livegrad_site.read import predictions, sentences

DOCS = Path(__file__).resolve().parents[3] / "docs"
FOLDER = DOCS / "_languages"
COMMON = "common"
_LINK = re.compile(r"\]\((?P<path>[\w./-]+\.(?:md|py))(?P<anchor>#[\w-]+)?\)")
_NAMED = re.compile(r"\s*\{#(?P<id>[\w-]+)\}$")
_CODE, _FORMULA = r"`[^`\n]*`", r"\$[^$]+\$"
_TITLE = re.compile(r"^# .*$", re.MULTILINE)


@dataclass(frozen=True)
class Language:
    """A language that pages are translated into.

    Attributes:
        code: as ``lang`` has it.
        name: in the language itself.
        note: what a translated page says of itself; ``{english}`` is the English page's address.
        decimal: the sign before decimals.
        words: pairs of patterns, English and theirs, of words that must stand on both sides.
        says: what a form says, by what it says in English.
        sheet: what stands on a sheet of problems and leads to it, likewise.
    """

    code: str
    name: str
    note: str
    decimal: str
    words: dict[str, tuple[re.Pattern[str], re.Pattern[str]]]
    says: dict[str, str] = field(default_factory=dict)
    sheet: dict[str, str] = field(default_factory=dict)

    def say(self, english: str, **values: str) -> str:
        """Return what a form or a sheet says, with these values in its braces."""
        return (self.says | self.sheet).get(english, english).format(**values)

    def number(self, printed: str) -> str:
        """Return numbers as the language writes them: a comma within one parts no two."""
        if self.decimal == ".":
            return printed
        parted = re.sub(r"(?<=\d), (?=[\d\N{MINUS SIGN}-])", "; ", printed)
        return re.sub(r"(?<=\d)\.(?=\d)", self.decimal, parted)

    def formulas(self, text: str) -> str:
        """Return Markdown whose formulas have the language's decimal sign.

        It stands in braces: else TeX sets a space behind a comma.
        """
        if self.decimal == ".":
            return text
        sign = f"{{{self.decimal}}}"
        return re.sub(
            _FORMULA, lambda tex: re.sub(r"(?<=\d)\.(?=\d)", lambda _: sign, tex[0]), text
        )


ENGLISH = Language("en", "English", "", ".", {})


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation, and the line where the pair begins."""

    english: str
    theirs: str
    line: int


@dataclass(frozen=True)
class Page:
    """A translated page.

    Attributes:
        name: its place under ``docs``, as ``de/dropout/signal.md``.
        english: the place of the page that it is a translation of.
        text: Markdown.
        missing: English sentences that have no translation.
        unused: pairs whose English sentence the page does not have.
        pairs: those that it has, each as often as it stands there.
    """

    name: str
    english: str
    text: str
    missing: tuple[str, ...]
    unused: tuple[Pair, ...]
    pairs: tuple[Pair, ...]


def spaced(text: str) -> str:
    """Return the text with single spaces."""
    return " ".join(text.split())


@functools.cache
def known() -> dict[str, Language]:
    """Return the languages by code."""
    found = {}
    for path in sorted(FOLDER.glob("*.yml")):
        given: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        words = {
            one: (_whole(english), _whole(theirs))
            for one, (english, theirs) in given.pop("words").items()
        }
        found[path.stem] = Language(path.stem, words=words, **given)
    return found


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)


def pairs(path: Path) -> list[Pair]:
    """Return the pairs of a file.

    Raises:
        ValueError: if a paragraph has no translation, or an English sentence has two.
    """
    found: dict[str, Pair] = {}
    text = path.read_text(encoding="utf-8")
    for paragraph in re.finditer(r"\S.*?(?=\n\s*\n|\s*\Z)", text, re.DOTALL):
        line = text.count("\n", 0, paragraph.start()) + 1
        english, mark, theirs = paragraph[0].partition("\n= ")
        if not mark or not theirs.strip():
            raise ValueError(
                f"{path.name}:{line}: a paragraph without a line that begins with '= '"
            )
        if spaced(english) in found:
            raise ValueError(f"{path.name}:{line}: {spaced(english)!r} stands there twice")
        found[spaced(english)] = Pair(spaced(english), theirs, line)
    return list(found.values())


def translated(code: str) -> list[str]:
    """Return the pages that have a translation, by their places under ``docs``."""
    own = FOLDER / code
    found = (path.relative_to(own).with_suffix(".md").as_posix() for path in own.rglob("*.txt"))
    return sorted(name for name in found if name != f"{COMMON}.md")


def source(code: str, english: str) -> Path:
    """Return the file with a page's translation."""
    return (FOLDER / code / english).with_suffix(".txt")


def of(name: str) -> tuple[str, str]:
    """Return the language of a page, "en" for most, and the place of the English one."""
    code, _, rest = name.partition("/")
    return (code, rest) if code in known() else ("en", name)


def named(code: str) -> Language:
    """Return the language with this code."""
    return known().get(code, ENGLISH)


def _pairs(code: str, english: str) -> tuple[list[Pair], list[Pair]]:
    return pairs(source(code, english)), pairs(FOLDER / code / f"{COMMON}.txt")


def said(code: str, english: str) -> Callable[[str], str]:
    """Return what gives the texts of a page's predictions in the language, where they have it."""
    if code == ENGLISH.code:
        return str
    own, common = _pairs(code, english)
    theirs = {pair.english: pair.theirs for pair in [*common, *own]}
    pages = set(translated(code))
    return lambda words: _moved(theirs.get(spaced(words), words), code, english, pages)


def page(code: str, english: str) -> Page:
    """Return a page in the language."""
    text = (DOCS / english).read_text(encoding="utf-8")
    own, common = _pairs(code, english)
    return assembled(known()[code], english, text, own, common, set(translated(code)))


def assembled(
    language: Language,
    english: str,
    text: str,
    own: list[Pair],
    common: list[Pair],
    pages: set[str],
) -> Page:
    """Return the page that the pairs make of an English one.

    Args:
        language: what it is translated into.
        english: the place of the English page.
        text: its Markdown.
        own: its pairs.
        common: those of all pages.
        pages: the places of all pages that are translated.
    """
    by_english = {pair.english: pair for pair in [*common, *own]}
    missing: list[str] = []
    used: list[Pair] = []
    ids = _ids(text)

    def theirs(words: str) -> str:
        pair = by_english.get(spaced(words))
        if pair:
            used.append(pair)
        else:
            missing.append(spaced(words))
        return _moved(pair.theirs if pair else words, language.code, english, pages)

    # Their texts are put in where they are answered; here it is told whether they are there.
    for line, comment in reversed(predictions.find(text)):
        with contextlib.suppress(predictions.PredictionError):  # the English page names it
            predictions.said(predictions.parsed(line, comment), theirs)
    # Backwards: what stands before keeps its place.
    for at, sentence in reversed(list(enumerate(sentences.read(text)))):
        start, end = _words(text, sentence)
        raw = text[start:end]
        if sentence.kind == "table" and raw.startswith("<"):
            continue
        named = _NAMED.search(raw)
        said = theirs(raw[: named.start()] if named else raw)
        if sentence.kind != "table":
            said = spaced(said)
        elif lead := re.match(r"[ \t]*", text[text.rfind("\n", 0, start) + 1 : start]):
            said = said.strip().replace("\n", "\n" + lead[0])
        if at in ids:
            said += f" {{#{ids[at]}}}"
        text = text[:start] + said + text[end:]
    head = yaml.safe_load(text.split("---\n")[1])
    # The search of a language that is not its own finds these behind the others.
    meta: dict[str, Any] = {
        "title": theirs(head["title"]),
        "description": theirs(head["description"]),
    }
    meta |= {"lang": language.code, "search": {"boost": 0.2}}
    body = text.split("---\n", 2)[2]
    back = posixpath.relpath(english, posixpath.dirname(f"{language.code}/{english}"))
    note = language.note.format(english=back)
    body = _TITLE.sub(lambda title: f"{title[0]}\n\n*{note}*", body, count=1)
    front = yaml.safe_dump(meta, allow_unicode=True, sort_keys=False, width=10_000)
    unused = tuple(pair for pair in own if pair not in used)
    name = f"{language.code}/{english}"
    return Page(
        name, english, f"---\n{front}---\n{body}", tuple(missing[::-1]), unused, tuple(used[::-1])
    )


def _words(text: str, sentence: sentences.Sentence) -> tuple[int, int]:
    """Return where a sentence's own words begin and end, without what makes it a title or item."""
    if sentence.kind == "table":
        return sentence.start, sentence.end
    start = sentence.start + len(sentences.lead(text[sentence.start : sentence.end]))
    end = sentence.end - (sentence.kind == "alone" and text[sentence.end - 1] == '"')
    return start, end


def _ids(text: str) -> dict[int, str]:
    """Return the identifier of each title, by the number of its sentence: theirs has the same."""
    found: dict[int, str] = {}
    for at, sentence in enumerate(sentences.read(text)):
        if not text.startswith("#", sentence.start):
            continue
        named = _NAMED.search(sentence.raw)
        words = re.sub(r"[`*$]|\]\([^)]*\)|\[", "", _NAMED.sub("", sentence.raw))
        name = slug = slugify(words, "-")
        count = 1
        while name in found.values():
            name, count = f"{slug}_{count}", count + 1
        found[at] = named["id"] if named else name
    return found


def _moved(text: str, code: str, english: str, pages: set[str]) -> str:
    """Return the text with its links as they are one folder deeper."""
    own = posixpath.dirname(english)

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(own, match["path"]))
        there = f"{code}/{target}" if target in pages else target
        path = posixpath.relpath(there, posixpath.dirname(f"{code}/{english}"))
        return f"]({path}{match['anchor'] or ''})"

    return _LINK.sub(link, text)


def disagreement(language: Language, pair: Pair) -> str:
    """Return in what a translation says something else than the English sentence, or nothing.

    Formulas, code, links and what is computed in braces stand on both sides, numbers in one order;
    and what counts, compares, quantifies or denies stands on both or on neither.
    """
    kinds = {
        "code": _CODE,
        "formula": _FORMULA,
        "link": r"\]\(([^)]*)\)",
        "brace": predictions.BRACE,
    }
    for kind, pattern in kinds.items():
        here, there = (
            Counter(spaced(one) for one in re.findall(pattern, text))
            for text in (pair.english, pair.theirs)
        )
        if here != there:
            odd = [*(here - there), *(there - here)]
            return f"the {kind} {odd[0]} does not stand on both sides"
    english, theirs = (_bare(text) for text in (pair.english, pair.theirs))
    if language.decimal != ".":
        theirs = re.sub(rf"(?<=\d){re.escape(language.decimal)}(?=\d)", ".", theirs)
    said, says = (
        [number for _, _, number in sentences.numbers(sentences.plain(text))]
        for text in (english, theirs)
    )
    if said != says:
        return f"its numbers are {', '.join(says) or 'none'}, not {', '.join(said) or 'none'}"
    for word, (ours, other) in language.words.items():
        once, again = len(ours.findall(english)), len(other.findall(theirs))
        if once != again:
            return f"it says {word!r} {again} times, not {once}"
    return ""


def _bare(text: str) -> str:
    """Return the words alone: formulas, code, addresses and braces were compared."""
    return re.sub(rf"{_CODE}|{_FORMULA}|(?<=\])\([^)]*\)|{predictions.BRACE}", " ", text)
