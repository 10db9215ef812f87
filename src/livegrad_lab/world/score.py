"""What the doctor says of an example, and how often it is right.

A fault counts as named where one of the codes for its kind is found at one of its places. The share
that is named has Wilson's interval (Wilson 1927), which holds for few examples too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from livegrad_lab.world.case import EXAMPLES, Example

__all__ = ["each", "kinds", "named", "run_example", "shares", "table", "wilson"]

LEARNED = 0.5
"""The score from which on a model has learned, halfway from knowing nothing to all right."""


def run_example(name: str, seed: int = 0) -> dict[str, Any]:
    """Examine one example, train it, and train it once more as its source mends it.

    Args:
        name: a key of ``EXAMPLES``.
        seed: of the weights and of the order of the batches.

    Returns:
        ``found``: (code, place) of each finding; ``unjudged``: how many things were not judged;
        ``before`` and ``after``: whether it learned, and whether it did mended (of a healthy model
        ``before`` alone, and None of one that is not trained here).
    """
    import keras
    import tensorflow as tf

    from livegrad.doctor import examine

    tf.get_logger().setLevel("ERROR")
    example = EXAMPLES[name]
    keras.utils.set_random_seed(seed)
    patient = example.build(False)
    plan: dict[str, Any] = {"batch_size": patient.batch, "epochs": patient.epochs or None}
    report = examine(patient.model, patient.x, patient.y, **plan)
    row: dict[str, Any] = {
        "found": [(finding.code, finding.layer) for finding in report.findings],
        "unjudged": len(report.unjudged),
        "before": patient.train() > LEARNED if patient.epochs else None,
    }
    if example.kind:
        keras.utils.set_random_seed(seed)
        row["after"] = example.build(True).train() > LEARNED
    keras.backend.clear_session()
    return row


def named(example: Example, row: Mapping[str, Any]) -> bool:
    """Whether the fault was named, with its code and at its place."""
    return any(
        code in example.codes and (place in example.places or not example.places)
        for code, place in row["found"]
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return an interval that holds nineteen shares in twenty.

    Raises:
        ValueError: if there is nothing to take a share of.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    z = 1.959964
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * math.sqrt(hits * (n - hits) / n + z**2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def shares(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return how many of how many, by what is counted.

    Args:
        rows: what ``run_example`` gave, by the example's name.
    """
    ill = [name for name in rows if EXAMPLES[name].kind]
    well = [name for name in rows if not EXAMPLES[name].kind]
    known = [name for name in ill if EXAMPLES[name].codes]
    right = [name for name in ill if named(EXAMPLES[name], rows[name])]
    codes = {name: EXAMPLES[name].codes for name in ill}
    others = sum(code not in codes[name] for name in ill for code, _ in rows[name]["found"])
    return {
        "faults named": (len(right), len(ill)),
        "faults of a kind that it looks for, named": (len(right), len(known)),
        "other findings in faulty models": (others, len(ill)),
        "healthy models with an alarm": (sum(bool(rows[n]["found"]) for n in well), len(well)),
        "faulty models that learned": (sum(rows[n]["before"] for n in ill), len(ill)),
        "the same, mended": (sum(rows[n]["after"] for n in ill), len(ill)),
    }


def table(
    parts: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> str:
    """Return a Markdown table of the shares with their intervals, a column a part."""
    counted = {part: shares(rows) for part, rows in parts.items()}
    lines = [
        "| | " + " | ".join(parts) + " |",
        "|---|" + "---|" * len(parts),
    ]
    for what in next(iter(counted.values())):
        cells = []
        for found in counted.values():
            hits, n = found[what]
            low, high = wilson(min(hits, n), n)
            cells.append(f"{hits} of {n}: {hits / n:.0%} [{low:.0%}, {high:.0%}]")
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def each(rows: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> str:
    """Return a Markdown table of faulty examples: the kind, what was found, what others said."""
    lines = ["| example and its source | kind | found | others |", "|---|---|---|---|"]
    for name in names:
        example, row = EXAMPLES[name], rows[name]
        codes = ", ".join(f"`{code}`" for code, _ in row["found"]) or "nothing"
        said = "; ".join(f"{who}: {what}" for who, what in example.reported.items())
        mark = "**named**" if named(example, row) else "missed"
        where = f"{example.name} ({_plain(example.source)})"
        lines.append(f"| {where} | {example.kind} | {mark}: {codes} | {_plain(said)} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("|", "/")


def kinds(rows: Mapping[str, Mapping[str, Any]]) -> Sequence[tuple[str, int, int]]:
    """Return for each kind of fault how many are named, and of how many."""
    found: dict[str, list[bool]] = {}
    for name, row in rows.items():
        if EXAMPLES[name].kind:
            found.setdefault(EXAMPLES[name].kind, []).append(named(EXAMPLES[name], row))
    return [(kind, sum(hits), len(hits)) for kind, hits in sorted(found.items())]
