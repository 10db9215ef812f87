"""Hold a reader's answer to what is expected, and say in one line what came instead."""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from livegrad_lab.problems._problem import Check, Refused

__all__ = ["Called", "agree", "array", "by_number", "gradient", "no_slower", "number", "pair"]

Faults = Mapping[str, ArrayLike]
# How far a function may be from a value that is computed in another way.
CLOSE = 1e-6


def short(value: Any) -> str:
    """Return a value as it is told in a message: small ones whole, large ones by their shape."""
    if isinstance(value, np.ndarray):
        if value.size > 8:
            return f"<{value.dtype} of shape {value.shape}>"
        return np.array2string(value, precision=6, separator=", ").replace("\n", "")
    if isinstance(value, list | tuple):
        inside = ", ".join(map(short, value[:4])) + (", ..." if len(value) > 4 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, float | np.floating):
        return f"{float(value):.7g}"
    if isinstance(value, str | int | None):
        return repr(value)[:60]
    return getattr(value, "__name__", type(value).__name__)


def blamed(error: BaseException, file: str) -> str:
    """Return the kind of an error, its words, and the line of the reader's file it came from."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        lines = [error.lineno]
    place = f" in line {lines[-1]}" if lines else ""
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}{place}" + (f": {first}" if first else "")


class Called:
    """A reader's function: it gets copies, may change none of them, and what it raises is told."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self.function = function
        self.name = getattr(function, "__name__", "the function")
        self.file = file

    def said(self, *given: Any) -> str:
        """Return the call as it is told in a message."""
        return f"{self.name}({', '.join(map(short, given))})"

    def __call__(self, *given: Any) -> Any:
        """Return what the function returns.

        Raises:
            Refused: if it raises, or changes what it was given.
        """
        own = [value if callable(value) else copy.deepcopy(value) for value in given]
        try:
            with np.errstate(all="ignore"):
                found = self.function(*own)
        except (Exception, SystemExit) as error:
            answered(error)
            why = blamed(error, self.file)
            if isinstance(error, MemoryError):
                why = "needed more memory than it may have"
            raise Refused(f"{self.said(*given)} failed: {why}") from error
        for at, (before, after) in enumerate(zip(given, own, strict=True)):
            if not _same(before, after):
                raise Refused(
                    f"{self.name} changes its argument {at + 1} in place: "
                    f"it was {short(before)}, and is {short(after)} after the call. Work on a copy"
                )
        return found


def answered(error: BaseException) -> None:
    """Refuse what still is as a problem's start leaves it: that raises NotImplementedError."""
    if isinstance(error, NotImplementedError):
        raise Refused("not answered yet: it raises NotImplementedError") from error


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        return (
            isinstance(after, np.ndarray)
            and before.shape == after.shape
            and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
        )
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    return True


def _named(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    kinds = {list: "a list", tuple: "a tuple", str: "a text", dict: "a dict", int: "an int"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def array(value: Any, shape: tuple[int, ...], said: str) -> np.ndarray:
    """Return an array of floats of this shape, all finite.

    Raises:
        Refused: if it is something else.
    """
    if value is None:
        raise Refused(f"{said} returned None: is its return missing?")
    if not isinstance(value, np.ndarray | np.generic):
        raise Refused(f"{said}: expected a NumPy array of shape {shape}, got {_named(value)}")
    found = np.asarray(value)
    if found.dtype.kind != "f":
        raise Refused(f"{said}: expected an array of floats, got {_named(found)}")
    if found.shape != shape:
        raise Refused(f"{said}: expected the shape {shape}, got {found.shape}")
    wrong = np.argwhere(~np.isfinite(found))
    if len(wrong):
        at = tuple(int(index) for index in wrong[0])
        raise Refused(f"{said}: expected finite numbers, got {found[at]} at index {list(at)}")
    return found


def number(value: Any, said: str, whole: bool = False) -> float:
    """Return one finite number, or a whole one.

    Raises:
        Refused: if it is something else.
    """
    what = "one whole number" if whole else "one number"
    if value is None:
        raise Refused(f"{said} returned None: is its return missing?")
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise Refused(f"{said}: expected {what}, got {_named(value)}")
    if not np.isfinite(float(value)) or (whole and float(value) % 1):
        raise Refused(f"{said}: expected {what}, got {value}")
    return float(value)


def pair(value: Any, said: str, what: str) -> tuple[Any, Any]:
    """Return both parts of what a function returned.

    Raises:
        Refused: if there are not two.
    """
    if not isinstance(value, tuple) or len(value) != 2:
        got = f"{_named(value)} of {len(value)}" if isinstance(value, tuple) else _named(value)
        raise Refused(f"{said}: expected a pair ({what}), got {got}")
    return value


def agree(
    found: ArrayLike,
    expected: ArrayLike,
    said: str,
    faults: Faults | None = None,
    rel: float = CLOSE,
    absolute: float = 1e-9,
    wide: float | None = None,
) -> None:
    """Hold numbers to those that are expected.

    Args:
        found: finite numbers of the shape of those expected.
        expected: the right ones, computed in another way than an answer would.
        said: the call, for the message.
        faults: what a usual mistake gives, by its words.
        rel: how far off a number may be, as a share of the largest one expected.
        absolute: how far off it may be at all.
        wide: how far off a mistake's number may be to be named, where that is another share.

    Raises:
        Refused: if they differ; the nearest mistake is named.
    """
    got, right = np.asarray(found, float), np.asarray(expected, float)
    limit = absolute + rel * np.abs(right).max(initial=0)
    if np.all(np.abs(got - right) <= limit):
        return
    why, nearest = "", wide if wide is not None else max(rel, CLOSE)
    for words, wrong in (faults or {}).items():
        other = np.asarray(wrong, float)
        size = np.abs(other).max(initial=0) or absolute
        off = max(float(np.abs(got - other).max()) - absolute, 0) / size
        if off <= nearest:
            why, nearest = f": {words}", off
    at = np.unravel_index(int(np.argmax(np.abs(got - right))), right.shape)
    place = f" at index {[int(index) for index in at]}" if right.shape else ""
    told, came = short(float(right[at])), short(float(got[at]))
    if right.size > 1 and not why:
        why = _scaled(got, right)
    raise Refused(f"{said}: expected {told}{place}, got {came}{why}")


def _scaled(got: np.ndarray, right: np.ndarray) -> str:
    """Return by which factor all entries are off, if it is one."""
    factor = float((got * right).sum() / (right * right).sum())
    scale = abs(factor) * np.abs(right).max()
    if factor and np.all(np.abs(got - factor * right) <= 1e-4 * scale):
        return f": every entry is {factor:.4g} times the right one"
    return ""


def by_number(right: Callable[[], float], rel: float, faults: Faults | None = None) -> Check:
    """Return the check of a problem whose answer is a number."""

    def the_number(answer: Any) -> None:
        """The number, against one that is computed."""
        if answer is Ellipsis:
            raise Refused("not answered yet: answer = ...")
        got = number(answer, "answer")
        agree(got, right(), f"answer = {short(got)}", faults, rel=rel)

    return the_number


def gradient(loss: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Return the gradient of a loss by central differences of the fourth order."""
    found = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        moved = []
        for steps in (-2, -1, 1, 2):
            there = x.astype(float).copy()
            there[at] += steps * h
            moved.append(loss(there))
        found[at] = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * h)
    return found


def no_slower(
    found: Callable[[], Any], reference: Callable[[], Any], most: float, said: str, hint: str
) -> None:
    """Hold a function's time to a reference's in the same run.

    Raises:
        Refused: if it takes more than ``most`` times as long.
    """
    best = {"found": np.inf, "reference": np.inf}
    for _ in range(5):
        for name, run in (("found", found), ("reference", reference)):
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    ratio = best["found"] / max(best["reference"], 1e-6)
    if ratio > most:
        raise Refused(
            f"{said}: expected at most {most:g} times as long as a reference in whole arrays, "
            f"got {ratio:.0f} times: {hint}"
        )
