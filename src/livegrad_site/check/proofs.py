"""Hold each sentence to its proof: its numbers to expressions, its words to a check or a source.

What is written in a proof, one item after the other with `` ; `` between them:

- ``{expression:.2f}`` or ``about {expression:.2f} of``: these words stand in the sentence, with the
  value, formatted like that, in place of the braces. ``:w`` writes a number as a word.
- ``expression``: a check, which must be true. It uses a value of the page.
- ``cite he-2015 eq. 10``: a place in a paper, from ``docs/_proofs/sources``.
- ``on gradients/vanishing.md: expression``: a check with the values of another page.
- ``test tests/test_signals.py::test_name``: a test that shows it.
- ``def 10 64``: these numbers, or with none the sentence, set something and measure nothing.
- ``#1a2b3c``: the lock. It is a digest of the sentence and of the other items, and written by
  ``nox -s read`` when a person has read both.

Names are those that the page's blocks leave behind, the nearest block above first, or that a hidden
block, ``<!--given ... -->``, makes. ``row``, ``cell``, ``rows`` and ``out`` read what is printed,
``arg`` and ``code`` what is written in the nearest block.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import importlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from livegrad_site.read import fences, sentences
from livegrad_site.read.sentences import Sentence
from livegrad_site.run import blocks, cache, snapshot

FOLDER = "docs/_proofs"
SET = "set, not measured"
WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
]
# A sentence with one of these says more than its numbers do.
CLAIMS = re.compile(
    r"\b(?:more|less|fewer|most|mostly|least|larger|largest|smaller|smallest|greater|greatest|"
    r"lower|lowest|higher|highest|better|best|worse|worst|faster|fastest|slower|slowest|sooner|"
    r"longer|longest|shorter|shortest|steeper|stronger|weaker|wider|narrower|closer|earlier|never|"
    r"always|none|nobody|every|all|hardly|nearly|almost|rarely|seldom|often|usually|at most|"
    r"at least|twice|"
    r"double|doubles|half|halves|third|quarter|fifth|tenth|hundredth|thousandth|millionth|times|"
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|thousand|million)"
    r"(?!-))\b",
    re.IGNORECASE,
)
_HELPERS = {"row", "cell", "rows", "out", "arg", "code"}
_MODULES = ("activations", "initializers", "outputs", "dropout", "signals", "network")
_ON_PRINT = re.compile(
    r"(?<![A-Za-z_\d.])[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?![\d.]*\w)%?"
)


@dataclass(frozen=True)
class Block:
    """What a block of the page is and gave."""

    line: int
    code: str
    printed: str
    names: dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """An item as a reader sees it: what was written, and the value it had in this build."""

    item: str
    value: str


class ProofError(ValueError):
    """A proof does not prove its sentence; the text says why."""


def near(a: float, b: float, rel: float) -> bool:
    """Return whether two numbers differ by no more than a share of the second."""
    return bool(np.all(np.abs(np.asarray(a) - b) <= rel * np.abs(b)))


def printed_numbers(line: str) -> list[float]:
    """Return the numbers of a printed line, shares for percentages as they are written."""
    return [float(number.rstrip("%")) for number in _ON_PRINT.findall(line.replace("−", "-"))]


class Evidence:
    """What the page has to offer at one of its lines."""

    def __init__(self, page: list[Block], line: int) -> None:
        above = [block for block in page if block.line <= line]
        self.blocks = [*reversed(above), *(block for block in page if block.line > line)]

    def names(self, wanted: set[str]) -> dict[str, Any]:
        """Return the values of these names, from the nearest block that has them all."""
        for block in self.blocks:
            if wanted <= block.names.keys():
                return {name: snapshot.unpacked(block.names[name]) for name in wanted}
        has = next((b for b in self.blocks if wanted & b.names.keys()), None)
        missing = ", ".join(sorted(wanted - (has.names.keys() if has else set())))
        raise ProofError(f"no block of the page leaves {missing} behind as a value")

    def _printing(self, words: str = "") -> Iterator[Block]:
        return (block for block in self.blocks if block.printed and words in block.printed)

    def out(self, words: str = "") -> str:
        """Return what the nearest block that prints these words printed."""
        for block in self._printing(words):
            return block.printed
        raise ProofError(f"no block prints {words!r}")

    def rows(self, words: str = "") -> list[list[float]]:
        """Return the numbers of each printed line of a block, lines without one left out."""
        found = [printed_numbers(line) for line in self.out(words).splitlines()]
        return [row for row in found if row]

    def row(self, words: str) -> list[float]:
        """Return the numbers of the nearest printed line that has all these words, in order.

        The words themselves are not among the numbers.
        """
        for block in self._printing():
            for line in block.printed.splitlines():
                rest = _without(line, words.split())
                if rest is not None:
                    return printed_numbers(rest)
        raise ProofError(f"no block prints a line with {words!r}")

    def cell(self, words: str, at: int) -> float:
        """Return one of the numbers of ``row(words)``."""
        return self.row(words)[at]

    def arg(self, name: str) -> Any:
        """Return what is written for an argument or a name in the nearest block that has it."""
        for block in self.blocks:
            for node in ast.walk(ast.parse(block.code)):
                value: ast.expr | None = None
                match node:
                    case ast.keyword(arg=called, value=given) if called == name:
                        value = given
                    case ast.Assign(targets=[ast.Name(id=called)], value=given) if called == name:
                        value = given
                    case ast.For(target=ast.Name(id=called), iter=given) if called == name:
                        value = given
                if value is not None:
                    with contextlib.suppress(ValueError):
                        return ast.literal_eval(value)
        raise ProofError(f"no block gives {name!r} a value in so many digits")

    def code(self, words: str) -> bool:
        """Return whether the nearest block that has these words has them: else it is an error."""
        if any(words in block.code for block in self.blocks):
            return True
        raise ProofError(f"no block has {words!r}")


def _without(line: str, words: list[str]) -> str | None:
    """Return the line without these words, or None if it lacks one, in this order."""
    at = 0
    for word in words:
        find = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w.]*\w)")
        match = find.search(line, at)
        if match is None:
            return None
        line = line[: match.start()] + " " + line[match.end() :]
        at = match.start()
    return line


def evaluate(expression: str, evidence: Evidence, alone: bool = False) -> Any:
    """Return an expression's value; ProofError if it cannot be had.

    One that uses nothing of the page proves nothing, and is refused unless it may stand ``alone``.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise ProofError(f"{expression!r} is no expression: {error.msg}") from error
    bound = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    bound |= {argument.arg for argument in ast.walk(tree) if isinstance(argument, ast.arg)}
    free = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - bound
    space: dict[str, Any] = {"np": np, "math": math, "near": near}
    space |= {name: getattr(evidence, name) for name in _HELPERS}
    modules = {name for name in free if name in _MODULES}
    space |= {name: importlib.import_module(f"livegrad.{name}") for name in modules}
    wanted = free - space.keys() - set(dir(builtins))
    if not (alone or wanted or free & _HELPERS or modules):
        raise ProofError(f"{expression!r} uses nothing of the page")
    space |= evidence.names(wanted) if wanted else {}
    try:
        code = compile(tree, "<proof>", "eval")
        with np.errstate(all="ignore"):
            return eval(code, space)
    except ProofError:
        raise
    except Exception as error:
        raise ProofError(f"{expression!r}: {type(error).__name__}: {error}") from error


def parts(template: str) -> list[tuple[str, str, str]]:
    """Return a template's pieces: text before, expression, format."""
    found, at, text = [], 0, ""
    while at < len(template):
        if template[at] != "{":
            text += template[at]
            at += 1
            continue
        depth, quote, end, colon = 0, "", at + 1, -1
        while end < len(template) and (quote or depth or template[end] != "}"):
            sign = template[end]
            if quote:
                quote = "" if sign == quote else quote
            elif sign in "'\"":
                quote = sign
            elif sign in "([":
                depth += 1
            elif sign in ")]":
                depth -= 1
            elif sign == ":" and not depth:
                colon = end
            end += 1
        if end == len(template):
            raise ProofError(f"{template!r} has a brace that is not closed")
        stop = end if colon < 0 else colon
        found.append((text, template[at + 1 : stop], template[stop + 1 : end] if colon > 0 else ""))
        text, at = "", end + 1
    return [*found, (text, "", "")]


def filled(template: str, evidence: Evidence) -> str:
    """Return a template with its values, as its sentence ought to say it."""
    said = ""
    for text, expression, form in parts(template):
        said += text
        if expression:
            value = evaluate(expression, evidence)
            said += formatted(value, form)
    return sentences.plain(said) if "$" in said else sentences.respelled(_spelled(said))


def _spelled(said: str) -> str:
    return re.sub(r"(?<=\d) %", "%", " ".join(said.replace("−", "-").split()))


def formatted(value: Any, form: str) -> str:
    """Return a value in a format; ``w`` is a number's word."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        if form == "w":
            return str(WORDS[value])
        return str(format(value, form))
    except (TypeError, ValueError, IndexError) as error:
        raise ProofError(f"{value!r} cannot be written as {form!r}: {error}") from error


@functools.lru_cache(maxsize=1)
def _sources(texts: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for text in texts:
        for key, places in (yaml.safe_load(text) or {}).items():
            known.setdefault(key, {}).update(places)
    return known


def source(key: str, place: str) -> dict[str, Any]:
    """Return what the record says of a place in a paper; ProofError if there is none."""
    files = sorted((cache.ROOT / FOLDER / "sources").glob("*.yml"))
    known = _sources(tuple(file.read_text(encoding="utf-8") for file in files))
    if place not in known.get(key, {}):
        raise ProofError(f"{FOLDER}/sources has no {place!r} of {key!r}")
    return dict(known[key][place])


def prove(words: str, items: list[str], evidence: Evidence) -> list[Shown]:
    """Return the items with their values; ProofError if they do not prove the words.

    Each number of the words has to be given by an item, in the order of the sentence.
    """
    shown = []
    at = 0
    covered: list[tuple[int, int]] = []
    free: list[str] = []
    proved = False
    for item in items:
        kind, _, rest = item.partition(" ")
        if kind == "def" and "{" not in item:
            free += _conventions(rest, words)
            proved = True
            shown.append(Shown(SET, rest))
        elif kind == "cite" and rest:
            key, _, place = rest.partition(" ")
            record = source(key, place)
            free += [*map(str, record.get("numbers", [])), key.rpartition("-")[2]]
            free += re.findall(r"\d+(?:\.\d+)?", place)
            proved = True
            shown.append(Shown(f"{key}, {place}", str(record["says"])))
        elif kind == "test" and "::" in rest:
            _find_test(rest)
            proved = True
            shown.append(Shown("shown by a test", rest))
        elif kind == "on" and ": " in rest:
            name, _, expression = rest.partition(": ")
            _hold(expression, _elsewhere(name))
            proved = True
            shown.append(Shown(f"{expression}  (on {name})", "true"))
        elif "{" in item:
            said = filled(item, evidence)
            place_of = re.compile(rf"(?<![\w.,-]){re.escape(said)}(?![\d%]|[.,]\d)", re.IGNORECASE)
            match = place_of.search(words, at) or place_of.search(words)
            if match is None:
                raise ProofError(f"{item} is {said!r}, and the sentence does not say so")
            at = match.end()
            covered.append(match.span())
            proved |= not re.fullmatch(r"[-+]?[\d.,]+(?:e-?\d+)?%?", said)
            shown.append(Shown(item, said))
        else:
            _hold(item, evidence)
            proved = True
            shown.append(Shown(item, "true"))
    for start, end, number in sentences.numbers(words):
        if any(a <= start and end <= b for a, b in covered):
            continue
        if number not in free:
            raise ProofError(f"nothing gives the number {number}")
    claim = CLAIMS.search(words)
    if claim and not proved:
        raise ProofError(f"nothing proves {claim[0]!r}")
    return shown


def _hold(expression: str, evidence: Evidence) -> None:
    value = evaluate(expression, evidence)
    if not (isinstance(value, bool | np.bool_) and value):
        raise ProofError(f"{expression} is {value!r}, not True")


def _elsewhere(name: str) -> Evidence:
    """Return what another page has to offer."""
    path = cache.ROOT / "docs" / name
    if not path.exists():
        raise ProofError(f"there is no page {name}")
    text = path.read_text(encoding="utf-8")
    return Evidence(page_of(text, blocks.record(text)), text.count("\n") + 1)


def _conventions(rest: str, words: str) -> list[str]:
    said = re.findall(r"[^\s,]+", rest)
    there = [number for _, _, number in sentences.numbers(words)]
    for number in said:
        if not re.fullmatch(r"[-+]?\d+", number):
            raise ProofError(f"{number} is no convention: only a whole number can be one")
        if number not in there:
            raise ProofError(f"the sentence does not say {number}")
    return said


def _find_test(name: str) -> None:
    path, _, function = name.partition("::")
    file = cache.ROOT / path
    if not file.exists() or f"def {function}(" not in file.read_text(encoding="utf-8"):
        raise ProofError(f"there is no test {name}")


def asks(words: str) -> str:
    """Return the number or word of a sentence that wants a proof, or nothing."""
    found = sentences.numbers(words)
    claim = None if words.endswith("?") else CLAIMS.search(words)
    return found[0][2] if found else claim[0] if claim else ""


def page_of(text: str, record: list[dict[str, Any]]) -> list[Block]:
    """Return the page's blocks, hidden ones included, with what they gave, in order."""
    made = [
        Block(fence.first, fence.code, gave.get("printed", ""), gave.get("names", {}))
        for fence, gave in zip(fences.python(text), record, strict=True)
    ]
    for (line, code), gave in zip(blocks.hidden(text), blocks.backing(text), strict=True):
        made.append(Block(line, code, gave.get("printed", ""), gave.get("names", {})))
    return sorted(made, key=lambda block: block.line)


def check(text: str, record: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Return what is wrong with a page's sentences: first and last line, and what."""
    page = page_of(text, record)
    wrong = []
    if what := head_fault(text, page):
        wrong.append((1, 1, what))
    for line, gave in zip([at for at, _ in blocks.hidden(text)], blocks.backing(text), strict=True):
        if "error" in gave:
            wrong.append((line, line, f"this hidden block fails, {gave['error']}"))
    for sentence in sentences.read(text):
        what = fault(sentence, page)
        if what:
            wrong.append((sentence.line, sentence.last, what))
    return wrong


def head_fault(text: str, page: list[Block]) -> str:
    """Return what is wrong with title and description, whose proof is in the front matter."""
    words, items = sentences.head(text)
    try:
        prove(words, items, Evidence(page, 1))
    except ProofError as error:
        return f"title and description: {error}"
    return ""


def fault(sentence: Sentence, page: list[Block], locked: bool = True) -> str:
    """Return what is wrong with a sentence and its proof, or nothing."""
    if not sentence.items:
        asked = asks(sentence.plain)
        return f"nothing proves {asked!r} in: {sentence.plain}" if asked else ""
    try:
        prove(sentence.plain, sentence.items, Evidence(page, sentence.line))
    except ProofError as error:
        return f"{error}; the sentence: {sentence.plain}"
    if locked and sentence.lock != sentence.digest:
        return f"sentence or proof was changed since they were read: {sentence.plain}"
    return ""


def locked(text: str) -> str:
    """Return the page with the lock of each proof as it ought to be, in its last mark."""
    for sentence in reversed(sentences.read(text)):
        if sentence.items and sentence.lock != sentence.digest:
            mark = sentence.marks[-1]
            items = re.sub(r"\s*#[0-9a-f]{6}\s*$", "", mark["items"].rstrip())
            text = f"{text[: mark.start('items')]}{items} #{sentence.digest}-->{text[mark.end() :]}"
    return text
