"""Results that cost minutes, kept in the repository as JSON under what made them.

A record is one file for one function. It holds what each setting gave, the digest of the function
and of all that it can reach, the day, the versions and the time that it took. ``sweep`` takes a
result from there only while that digest is the code's; what has changed since is run anew.

The environment's LIVEGRAD_RECORDS names the folder. Without it nothing is taken from anywhere.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import os
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livegrad_lab import closure

__all__ = ["Record", "agree", "find", "name_of", "packed", "path_of", "read", "unpacked", "write"]


@dataclass(frozen=True)
class Record:
    """What a function gave.

    Attributes:
        code: digest of the function and of all sources that it can reach.
        runs: by setting, written as JSON, what it gave, packed.
        on: the day on which all of it was computed, as ``2026-01-31``.
        seconds: what that took on one core.
        versions: what it was computed with.
    """

    code: str
    runs: Mapping[str, Any] = field(repr=False)
    on: str
    seconds: float
    versions: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Digest of the code and of what it gave."""
        text = json.dumps([self.code, self.runs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def name_of(function: Callable[..., Any]) -> str:
    """Return the function's full name, under which its record is kept."""
    return f"{function.__module__}.{function.__qualname__}"


def path_of(function: Callable[..., Any], folder: Path) -> Path:
    """Return where the function's record is kept."""
    return folder / f"{name_of(function)}.json"


def find(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return by setting what the function gave, or nothing where there is no record of this code.

    Raises:
        ValueError: if the record is not as it was written.
    """
    folder = os.environ.get("LIVEGRAD_RECORDS")
    path = path_of(function, Path(folder)) if folder else None
    if path is None or not path.exists():
        return {}
    at = path.stat()
    record = _read(path, at.st_mtime_ns, at.st_size)
    return record.runs if record.code == closure.of(function) else {}


def read(path: Path) -> Record:
    """Return a record.

    Raises:
        ValueError: if it is not as it was written.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    digest = given.pop("digest")
    record = Record(**given | {"versions": tuple(given["versions"])})
    if record.digest != digest:
        raise ValueError(f"{path.name} is not as it was written: nox -s experiments computes it")
    return record


@functools.lru_cache(maxsize=32)
def _read(path: Path, written: int, size: int) -> Record:
    """Read it once, as long as nobody writes to it."""
    return read(path)


def write(path: Path, record: Record) -> None:
    """Write a record, one setting a line."""
    said = dataclasses.asdict(record)
    runs = said.pop("runs")
    head = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in said.items()]
    head.append(f'"digest": "{record.digest}"')
    lines = [f"{json.dumps(one)}: {json.dumps(runs[one], allow_nan=False)}" for one in runs]
    text = "{\n" + ",\n".join([*head, '"runs": {\n' + ",\n".join(lines) + "\n}"]) + "\n}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def setting(given: Mapping[str, Any]) -> str:
    """Return a setting as a record's key, whatever the order of its arguments."""
    return json.dumps(given, sort_keys=True)


def packed(value: Any) -> Any:
    """Return a value as JSON has it: what it has no form for says what it is.

    Raises:
        TypeError: if it is neither a number, a text, nor made of them.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list):
        return [packed(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [packed(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[packed(key), packed(item)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        fields = {one.name: packed(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {"is": f"{kind.__module__}:{kind.__qualname__}", "fields": fields}
    raise TypeError(f"value must be numbers, texts, or made of them, got {type(value).__name__}")


def unpacked(value: Any) -> Any:
    """Return a packed value as it was.

    Raises:
        ValueError: if it names a class of another package.
    """
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "tuple" in value:
        return tuple(unpacked(item) for item in value["tuple"])
    if "dict" in value:
        return {unpacked(key): unpacked(item) for key, item in value["dict"]}
    if value["is"].partition(".")[0] != "livegrad_lab":
        raise ValueError(f"value must be of this package, got {value['is']!r}")
    kind = pkgutil.resolve_name(value["is"])
    return kind(**{field: unpacked(item) for field, item in value["fields"].items()})


def agree(one: Any, other: Any, relative: float) -> bool:
    """Return whether two packed values are the same, numbers up to a relative difference.

    Args:
        one: a packed value.
        other: another.
        relative: the largest difference of two numbers, as a share of the larger.

    Examples:
        >>> agree({"tuple": [1.0, "a"]}, {"tuple": [1.0 + 1e-9, "a"]}, 1e-6)
        True
        >>> agree([1.0], [1.1], 1e-6)
        False
    """
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=relative)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and _all_agree(zip(one, other, strict=True), relative)
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = ((one[name], other[name]) for name in one.keys() & other.keys())
        return one.keys() == other.keys() and _all_agree(pairs, relative)
    return bool(one == other)


def _all_agree(pairs: Iterable[tuple[Any, Any]], relative: float) -> bool:
    return all(agree(one, other, relative) for one, other in pairs)
