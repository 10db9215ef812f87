"""Keep the values that a block leaves behind: numbers, texts, and what is made of them.

A proof is evaluated from them, any number of times, without the block being run again. Arrays
come back as arrays; what is neither a value nor small is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# A page's record is read for each build; a larger array is the matter of a block.
LARGEST = 4096


class _UnkeptError(Exception):
    pass


def of(space: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a namespace that can be kept, ready for JSON."""
    kept = {}
    for name, value in space.items():
        if not name.startswith("_"):
            try:
                kept[name] = _packed(value)
            except _UnkeptError:
                continue
    return kept


def _packed(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if len(value) > LARGEST:
            raise _UnkeptError
        return value
    if type(value).__module__.startswith(("tensorflow", "keras")) and hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        if value.size > LARGEST or value.dtype.kind not in "biuf":
            raise _UnkeptError
        return {"array": value.tolist(), "kind": value.dtype.kind}
    if isinstance(value, list | tuple) and len(value) <= LARGEST:
        return {"list": [_packed(item) for item in value]}
    if isinstance(value, dict) and len(value) <= LARGEST:
        return {"dict": [[_packed(key), _packed(item)] for key, item in value.items()]}
    raise _UnkeptError


def unpacked(value: Any) -> Any:
    """Return a kept value as it was; arrays are float, int or bool, sequences lists."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], dtype={"f": float, "b": bool}.get(value["kind"], int))
    if "list" in value:
        return [unpacked(item) for item in value["list"]]
    pairs = ((unpacked(key), unpacked(item)) for key, item in value["dict"])
    return {tuple(key) if isinstance(key, list) else key: item for key, item in pairs}
