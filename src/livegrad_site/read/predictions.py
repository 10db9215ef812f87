"""Read the predictions that a page asks for, each a comment of YAML before the block it is about.

``<!--predict`` stands at the left margin, and ``-->`` ends it. All that is written is text, each
piece with the line of the page it stands in; what it means is the matter of ``check.predictions``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import yaml

COMMENT = re.compile(r"^<!--predict\n(?P<yaml>.*?)^-->[ \t]*\n?", re.DOTALL | re.MULTILINE)
# Wherever it stands: one that is not at the margin, or not closed there, would be shown to nobody.
_BEGUN = re.compile(r"<!--\s*predict\b")
KINDS = ("choices", "number", "curve")
SIDES = ("right", "above", "below")
# What a reader reads, where it holds a word outside of what is computed.
TEXTS = {"ask", "result", "says", "reply", "unit", "x_label", "y_label"}
BRACE = r"\{[^{}]*\}"
_LETTER = re.compile(r"[^\W\d_]")


class PredictionError(ValueError):
    """A prediction is not written, or not answered, as it must be; the line says where."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


class Text(str):
    """What is written for a key, and the line of the page it stands in."""

    line: int

    def __new__(cls, said: str, line: int = 0) -> Text:
        """Return the text."""
        made = super().__new__(cls, said)
        made.line = line
        return made


class Keys(dict[str, Any]):
    """What is written for several keys, and the line they begin in."""

    line: int


@dataclass(frozen=True)
class Prediction:
    """A prediction as it is written: its first and last line, and what stands under its keys."""

    line: int
    last: int
    start: int
    end: int
    written: Keys


class _Loader(yaml.BaseLoader):
    """All scalars are text: YAML takes 1e-8 for a word, and ``no`` for a lie."""

    first: int


def _text(loader: _Loader, node: yaml.ScalarNode) -> Text:
    return Text(str(loader.construct_scalar(node)), loader.first + node.start_mark.line)


def _keys(loader: _Loader, node: yaml.MappingNode) -> Keys:
    found = Keys()
    found.line = loader.first + node.start_mark.line
    for key, value in node.value:
        name = str(loader.construct_scalar(key))
        if name in found:
            raise PredictionError(f"{name!r} stands twice", loader.first + key.start_mark.line)
        found[name] = loader.construct_object(value, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:str", _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _keys)


def find(text: str) -> list[tuple[int, re.Match[str]]]:
    """Return the comments of a page, each with the line it begins in."""
    return [(text.count("\n", 0, one.start()) + 1, one) for one in COMMENT.finditer(text)]


def misplaced(text: str) -> list[int]:
    """Return the lines of what begins like a prediction and is none."""
    there = {match.start() for match in COMMENT.finditer(text)}
    begun = (match.start() for match in _BEGUN.finditer(text))
    return [text.count("\n", 0, at) + 1 for at in begun if at not in there]


def parsed(line: int, match: re.Match[str]) -> Prediction:
    """Return the prediction in a comment that begins in this line.

    Raises:
        PredictionError: if it is no YAML, or no list of keys.
    """
    loader = _Loader(match["yaml"])
    loader.first = line + 1
    try:
        written = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line if error.problem_mark else 0
        what = f"this prediction is no YAML: {error.problem} (put the text into quotes)"
        raise PredictionError(what, line + 1 + at) from error
    finally:
        loader.dispose()
    if not isinstance(written, Keys):
        raise PredictionError("this prediction has no keys", line)
    last = line + match[0].rstrip("\n").count("\n")
    return Prediction(line, last, match.start(), match.end(), written)


def read(text: str) -> list[Prediction]:
    """Return the predictions of a page, in order; PredictionError for one that cannot be read."""
    return [parsed(line, match) for line, match in find(text)]


def said(prediction: Prediction, words: Callable[[str], str]) -> Prediction:
    """Return a prediction with what ``words`` makes of each of its texts."""
    written: Keys = _said(prediction.written, words)
    return replace(prediction, written=written)


def _said(found: Any, words: Callable[[str], str]) -> Any:
    if isinstance(found, list):
        return [_said(one, words) for one in found]
    if not isinstance(found, Keys):
        return found
    made = Keys()
    made.line = found.line
    for key, one in found.items():
        if key in TEXTS and isinstance(one, Text) and _LETTER.search(re.sub(BRACE, "", one)):
            made[key] = Text(words(one), one.line)
        else:
            made[key] = _said(one, words)
    return made
