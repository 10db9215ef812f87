"""What the doctor says of a case of the second set, and how it counts.

A hit is a right code at a right place, a half a right code at another place, a miss all else. The
findings beside those are counted, and in a healthy model each one is an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livegrad_lab.world.score import wilson
from livegrad_lab.world.second.case import SECOND, Second, TorchPatient
from livegrad_lab.world.second.check import seeded

__all__ = ["counted", "each", "others", "run_second", "table", "verdict"]


def run_second(name: str, seed: int = 0) -> dict[str, Any]:
    """Examine one case; that its fault shows, and what cures it, is told by ``check``.

    Args:
        name: a key of ``SECOND``.
        seed: of the weights.

    Returns:
        ``found``: (code, place) of each finding; ``unjudged``: how many things were not judged.
    """
    from livegrad.doctor import examine

    case = SECOND[name]
    seeded(case.torch, seed)
    patient = case.build(False)
    plan: dict[str, Any] = {"batch_size": patient.batch, "epochs": patient.epochs}
    if isinstance(patient, TorchPatient):
        plan |= {"loss": patient.loss, "optimizer": patient.optimizer}
    report = examine(patient.model, patient.x, patient.y, **plan)
    if not case.torch:
        import keras

        keras.backend.clear_session()
    return {
        "found": [(finding.code, finding.layer) for finding in report.findings],
        "unjudged": len(report.unjudged),
    }


def verdict(case: Second, row: Mapping[str, Any]) -> str:
    """Return "hit", "half" or "miss" of a faulty case, "alarm" or "calm" of a healthy one."""
    if not case.fault:
        return "alarm" if row["found"] else "calm"
    places = [place for code, place in row["found"] if code in case.codes]
    if any(not case.places or place in case.places for place in places):
        return "hit"
    return "half" if places else "miss"


def others(case: Second, row: Mapping[str, Any]) -> int:
    """Return how many findings are neither of the code of the case nor of one right as well."""
    return sum(code not in case.codes for code, _ in row["found"])


def counted(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return how many of how many, by what is counted.

    Args:
        rows: what ``run_second`` gave, by the case's name.
    """
    said = {name: verdict(SECOND[name], row) for name, row in rows.items()}
    ill = [name for name in rows if SECOND[name].fault]
    well = [name for name in rows if not SECOND[name].fault]
    first = [name for name in ill if rows[name]["found"]]
    own = sum(rows[name]["found"][0][0] == SECOND[name].code for name in first)
    return {
        "hit": (sum(said[name] == "hit" for name in ill), len(ill)),
        "half": (sum(said[name] == "half" for name in ill), len(ill)),
        "miss": (sum(said[name] == "miss" for name in ill), len(ill)),
        "the case's own code is the first finding": (own, len(ill)),
        "other findings in faulty models": (sum(others(SECOND[n], rows[n]) for n in ill), len(ill)),
        "healthy models with an alarm": (sum(said[name] == "alarm" for name in well), len(well)),
    }


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table of the counts, with Wilson's intervals, by framework and together."""
    parts: dict[str, Mapping[str, Mapping[str, Any]]] = {
        "Keras": {name: row for name, row in rows.items() if not SECOND[name].torch},
        "PyTorch": {name: row for name, row in rows.items() if SECOND[name].torch},
    }
    parts = {part: some for part, some in parts.items() if some}
    if len(parts) > 1:
        parts = {"all": rows, **parts}
    count = {part: counted(some) for part, some in parts.items()}
    lines = ["| | " + " | ".join(count) + " |", "|---|" + "---|" * len(count)]
    for what in next(iter(count.values())):
        lines.append(
            "| " + " | ".join([what, *(_cell(*one[what]) for one in count.values())]) + " |"
        )
    return "\n".join(lines)


def _cell(hits: int, n: int) -> str:
    if not n:
        return "none"
    low, high = wilson(min(hits, n), n)
    return f"{hits} of {n}: {hits / n:.0%} [{low:.0%}, {high:.0%}]"


def each(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table of all cases: the verdict, the code, and what was found."""
    lines = ["| case and its source | code | verdict | found |", "|---|---|---|---|"]
    for name, row in rows.items():
        case = SECOND[name]
        found = ", ".join(f"`{code}` at {place}" for code, place in row["found"]) or "nothing"
        said = verdict(case, row)
        code = f"`{case.code}`" if case.code else "none"
        lines.append(f"| {name} ({case.source}) | {code} | {said} | {found} |")
    return "\n".join(lines)
