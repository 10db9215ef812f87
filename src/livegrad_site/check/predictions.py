"""Answer each prediction from the block that follows it, and hold its words to what came out.

Written in a comment, ``<!--predict``, before the block that answers (see ``read.predictions``):

- ``id``, ``ask`` and ``result``: its name on the page, the question, and what came out in words;
- ``choices``, three or four of ``says``, ``when``, ``reply``, ``because``: exactly one ``when`` is
  true, and so the right choice is known;
- or ``number``, on a slider from ``low`` to ``high``: the ``answer``, and how ``near`` it is right,
  a factor with ``log: true`` and else a distance; its ``unit`` if it has one;
- or ``curve``, drawn by hand: ``x`` and ``y``, ``low`` and ``high`` of the axis, and how ``near``
  is right, as a mean distance in shares of the axis;
- with these two ``replies``, to a guess that is ``right``, ``above`` or ``below``.

Expressions are those of proofs. What answers has the names of the next block below, and of hidden
blocks; what explains has those of the page. Each ``because`` must be true, as a proof's check.
A digit of a reply or a result stands in braces, where it is computed. In another language the
texts are others, and all that is computed is the same.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from livegrad_site.check import proofs
from livegrad_site.check.proofs import Block, Evidence, ProofError, Shown
from livegrad_site.read import languages, predictions, sentences
from livegrad_site.read.languages import ENGLISH, Language
from livegrad_site.read.predictions import KINDS, SIDES, Keys, Prediction, PredictionError, Text
from livegrad_site.run import blocks

# The share of an axis that is its edge: an answer there could be guessed from the axis.
EDGE = 0.05
# What a right guess may take of an axis, from one end to the other.
WIDEST = 0.5
_CHOICE = ({"says", "when", "reply", "because"}, set[str]())
_REPLY = ({"reply", "because"}, set[str]())
_NUMBER = ({"low", "high", "answer", "near"}, {"log", "unit"})
_CURVE = ({"x", "y", "low", "high", "x_label", "y_label", "near"}, {"log", "x_log"})


@dataclass(frozen=True)
class Answer:
    """A reply to a guess: the choice it belongs to, or which side of the answer the guess is on."""

    says: str
    reply: str
    right: bool
    rests: Shown


@dataclass(frozen=True)
class Asked:
    """A prediction with all its words as a reader sees them, its answer, and what that rests on."""

    name: str
    line: int
    last: int
    kind: str
    ask: str
    result: str
    answers: list[Answer]
    rests: Shown
    data: dict[str, Any] = field(default_factory=dict)


_POWER = re.compile(r"(?P<mantissa>\d(?:\.\d+)?)e(?P<power>-?\d+)")
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def printed(value: str) -> str:
    """Return a number as it is printed in a text: 6 × 10⁻⁸, 36 %, −1."""

    def power(match: re.Match[str]) -> str:
        raised = f"10{match['power'].translate(_RAISED)}"
        return raised if match["mantissa"] == "1" else f"{match['mantissa']} × {raised}"

    value = re.sub(
        r"(?<=\d)%", "\N{NO-BREAK SPACE}%", _POWER.sub(power, sentences.respelled(value))
    )
    return re.sub(r"^-(?=\d)", "\N{MINUS SIGN}", value)


class _Page:
    """What a page has to offer to one of its predictions."""

    def __init__(self, page: list[Block], hidden: set[int], line: int, language: Language) -> None:
        self.language = language
        below = [block for block in page if block.line > line]
        above = [block for block in reversed(page) if block.line <= line]
        following = [block for block in below if block.line not in hidden][:1]
        if not following:
            raise PredictionError("no block follows that could answer it", line)
        self.all, self.next = Evidence([], line), Evidence([], line)
        self.all.blocks = [*below, *above]
        known = [block for block in self.all.blocks if block.line in hidden]
        self.next.blocks = [*following, *known]

    def value(self, said: Text, where: Evidence, alone: bool = False) -> Any:
        try:
            return proofs.evaluate(said, where, alone)
        except ProofError as error:
            after = " (in the block that follows)" if where is self.next else ""
            raise PredictionError(f"{error}{after}", said.line) from error

    def truth(self, said: Text, where: Evidence) -> bool:
        value = self.value(said, where)
        if not isinstance(value, bool | np.bool_):
            raise PredictionError(f"{said} is {value!r}, neither True nor False", said.line)
        return bool(value)

    def words(self, said: Text, computed: bool = False) -> str:
        """Return a text with its values; ``computed`` if a digit may stand in braces alone."""
        made, texts = "", []
        try:
            for text, expression, form in proofs.parts(said):
                made += text
                texts.append(text)
                if expression:
                    tree = ast.parse(expression.strip(), mode="eval")
                    if not any(isinstance(node, ast.Name | ast.BinOp) for node in ast.walk(tree)):
                        raise ProofError(f"{{{expression}}} computes nothing")
                    value = proofs.evaluate(expression, self.all, alone=True)
                    made += self.language.number(printed(proofs.formatted(value, form)))
        except SyntaxError as error:
            raise PredictionError(f"{said!r}: {error.msg} in a brace", said.line) from error
        except ProofError as error:
            raise PredictionError(str(error), said.line) from error
        if computed and (typed := sentences.numbers(sentences.plain(" … ".join(texts)))):
            what = f"the number {typed[0][2]} stands outside of braces in {said!r}"
            raise PredictionError(what, said.line)
        return re.sub(r"[ \n]+", " ", made).strip()

    def reply(self, said: Keys, side: str, right: bool) -> Answer:
        because = said["because"]
        if not self.truth(because, self.all):
            raise PredictionError(f"because: {because} is False", because.line)
        words = self.words(said["reply"], computed=True)
        return Answer(side, words, right, Shown(because, "true"))


def answered(
    prediction: Prediction, page: list[Block], hidden: set[int], language: Language = ENGLISH
) -> Asked:
    """Return a prediction with its answer; ``hidden`` are the lines of the page's hidden blocks.

    What is computed is written as the language of its texts has it.

    Raises:
        PredictionError: if it has none, more than one, or says what is not so.
    """
    said = prediction.written
    kinds = [kind for kind in KINDS if kind in said]
    if len(kinds) != 1:
        known = " or ".join(KINDS)
        raise PredictionError(f"a prediction asks for one of {known}", prediction.line)
    kind = kinds[0]
    _only(said, {"id", "ask", "result", kind, *([] if kind == "choices" else ["replies"])}, set())
    if not re.fullmatch(r"[a-z][a-z0-9-]*", _text(said, "id")):
        raise PredictionError(f"the id {said['id']!r} is no word of letters", said["id"].line)
    here = _Page(page, hidden, prediction.last, language)
    result = here.words(_text(said, "result"), computed=True)
    ask = here.words(_text(said, "ask"))
    data: dict[str, Any] = {}
    if kind == "choices":
        answers, rests = _choices(here, said, prediction.line)
    else:
        keys = _keyed(said[kind], said.line, *(_NUMBER if kind == "number" else _CURVE))
        data = _number(here, keys) if kind == "number" else _curve(here, keys)
        came = [data["answer"]] if kind == "number" else data["y"]
        known = keys["answer" if kind == "number" else "y"]
        rests = Shown(known, ", ".join(f"{value:.3g}" for value in came))
        replies = said["replies"]
        if not isinstance(replies, Keys):
            raise PredictionError(f"replies are to {', '.join(SIDES)}", said.line)
        _only(replies, set(SIDES), set())
        answers = [
            here.reply(_keyed(replies[side], replies.line, *_REPLY), side, side == "right")
            for side in SIDES
        ]
    place = (prediction.line, prediction.last)
    return Asked(str(said["id"]), *place, kind, ask, result, answers, rests, data)


def _only(said: Keys, must: set[str], may: set[str]) -> None:
    if missing := must - said.keys():
        raise PredictionError(f"there is no {', '.join(sorted(missing))}", said.line)
    if unknown := said.keys() - must - may:
        raise PredictionError(f"nobody reads {', '.join(sorted(unknown))}", said.line)


def _text(said: Keys, name: str) -> Text:
    found = said[name]
    if not isinstance(found, Text) or not found:
        raise PredictionError(f"{name} is no text", said.line)
    return found


def _keyed(found: Any, line: int, must: set[str], may: set[str]) -> Keys:
    """Return keys with a text each; ``line`` is where one looks if they are none."""
    if not isinstance(found, Keys):
        raise PredictionError(f"here stand {', '.join(sorted(must))}", line)
    _only(found, must, may)
    for key in found:
        _text(found, key)
    return found


def _choices(here: _Page, said: Keys, line: int) -> tuple[list[Answer], Shown]:
    listed = said["choices"]
    if not isinstance(listed, list) or not 3 <= len(listed) <= 4:
        raise PredictionError("choices are three or four", said.line)
    answers = []
    for one in listed:
        choice = _keyed(one, line, *_CHOICE)
        right = here.truth(choice["when"], here.next)
        answers.append(here.reply(choice, here.words(choice["says"]), right))
    rights = [at for at, answer in enumerate(answers) if answer.right]
    if len(rights) != 1:
        which = " and ".join(repr(answers[at].says) for at in rights) or "none"
        raise PredictionError(f"exactly one `when` must be true: {which} is", line)
    return answers, Shown(str(listed[rights[0]]["when"]), "true")


def _literal(said: Text) -> float:
    try:
        value = float(said)
    except ValueError as error:
        raise PredictionError(f"{said!r} is no number", said.line) from error
    if not math.isfinite(value):
        raise PredictionError(f"{said!r} is no number", said.line)
    return value


def _switch(said: Keys, name: str) -> bool:
    if said.get(name, "false") not in {"true", "false"}:
        raise PredictionError(f"{name} is true or false", said[name].line)
    return said.get(name) == "true"


def _axis(said: Keys) -> dict[str, Any]:
    low, high, log = _literal(said["low"]), _literal(said["high"]), _switch(said, "log")
    if not low < high or (log and low <= 0):
        raise PredictionError(f"no axis leads from {low:g} to {high:g}", said["low"].line)
    return {"low": low, "high": high, "log": log, "near": _literal(said["near"])}


def share(value: Any, axis: dict[str, Any]) -> Any:
    """Return where on an axis a value lies, or several: 0 at its low end and 1 at its high one."""
    value, low, high = np.asarray(value, dtype=float), axis["low"], axis["high"]
    if axis["log"]:
        with np.errstate(all="ignore"):
            value, low, high = np.log(value), np.log(low), np.log(high)
    return (value - low) / (high - low)


def _number(here: _Page, said: Keys) -> dict[str, Any]:
    axis, line = _axis(said), said["answer"].line
    answer, near = here.value(said["answer"], here.next), axis["near"]
    if not isinstance(answer, int | float | np.number) or not math.isfinite(answer):
        raise PredictionError(f"the answer is {answer!r}, no number", line)
    if not EDGE <= share(answer, axis) <= 1 - EDGE:
        low, high = axis["low"], axis["high"]
        what = f"the answer {answer:g} is outside of {low:g} to {high:g}, or at its edge"
        raise PredictionError(what, line)
    if near <= (1 if axis["log"] else 0):
        raise PredictionError(f"no guess is as near as {near:g}", said["near"].line)
    ends = (answer / near, answer * near) if axis["log"] else (answer - near, answer + near)
    lowest, highest = (float(share(end, axis)) for end in ends)
    if not (lowest > 0 and highest < 1 and highest - lowest <= WIDEST):
        raise PredictionError("a guess is right almost wherever it is", said["near"].line)
    return axis | {"answer": float(answer), "unit": here.words(said.get("unit", Text("", line)))}


def _curve(here: _Page, said: Keys) -> dict[str, Any]:
    axis, near = _axis(said), _literal(said["near"])
    x, y = (_row(here, said[name], alone=name == "x") for name in ("x", "y"))
    line = said["y"].line
    if not 3 <= len(x) <= 12 or sorted(set(x)) != x:
        raise PredictionError("x is three to twelve numbers, each larger than the last", line)
    if len(y) != len(x):
        raise PredictionError(f"y has {len(y)} values, x has {len(x)}", line)
    shares = share(y, axis)
    if not np.all((shares >= 0) & (shares <= 1)):
        raise PredictionError(f"y leaves its axis: {min(y):g} to {max(y):g}", line)
    if np.all(shares < EDGE) or np.all(shares > 1 - EDGE):
        raise PredictionError("y lies at an edge of its axis", line)
    reached = min(shares.mean(), 1 - shares.mean(), abs(shares - 0.5).mean())
    if not 0 < near < reached:
        what = "a line that nobody drew, in the middle or at an edge, is right"
        raise PredictionError(what, said["near"].line)
    labels = {name: here.words(said[name]) for name in ("x_label", "y_label")}
    return axis | {"x": x, "y": y, "x_log": _switch(said, "x_log")} | labels


def _row(here: _Page, said: Text, alone: bool) -> list[float]:
    values = here.value(said, here.next, alone)
    try:
        row = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise PredictionError(f"{said} is no row of numbers", said.line) from error
    if row.ndim != 1 or not np.all(np.isfinite(row)):
        raise PredictionError(f"{said} is no row of numbers", said.line)
    return [float(value) for value in row]


def of_page(text: str, page: list[Block], code: str = "en", english: str = "") -> list[Asked]:
    """Return the predictions of a page, answered; PredictionError for the first that is wrong.

    Args:
        text: the English page.
        page: its blocks.
        code: the language that the predictions are wanted in.
        english: the place of the page, if it is not English.
    """
    hidden = {line for line, _ in blocks.hidden(text)}
    words, language = languages.said(code, english), languages.named(code)
    asked = (predictions.said(one, words) for one in predictions.read(text))
    return [answered(one, page, hidden, language) for one in asked]


def check(text: str, record: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Return what is wrong with a page's predictions: first and last line, and what."""
    what = "a prediction begins and ends at the margin, on lines of their own"
    found = [(line, line, what) for line in predictions.misplaced(text)]
    page: list[Block] | None = None
    hidden = {line for line, _ in blocks.hidden(text)}
    names: set[str] = set()
    for line, match in predictions.find(text):
        last = line + match[0].rstrip("\n").count("\n")
        page = proofs.page_of(text, record) if page is None else page
        try:
            asked = answered(predictions.parsed(line, match), page, hidden)
            if asked.name in names:
                raise PredictionError(f"the id {asked.name!r} stands twice", line)
            names.add(asked.name)
        except PredictionError as error:
            found.append((error.line, last, f"prediction: {error}"))
    return found
