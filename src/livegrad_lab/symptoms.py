"""From what one sees to what it may be: symptoms, each with a rule, and the faults that show it.

The rules read what ``watched.run`` saw, and are the same for all faults and for healthy models. A
symptom is known by the words that people search for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livegrad.doctor import PAGES
from livegrad_lab.faults import CASES
from livegrad_lab.watched import LOOKS

__all__ = ["SYMPTOMS", "Symptom", "index", "learned", "seen", "shown"]

Row = Mapping[str, Any]

CHANCE = 0.02
"""So far above the commonest answer's share is still no better than that."""
FLAT = 0.95
"""A loss that keeps this share of its first value has not fallen."""
APART = 1.25
"""Two losses whose ratio is beyond this are not the same."""
HUGE = 1000
"""A loss above this is huge."""
MOST = 0.95
"""From this share on a class is nearly all."""
HIDDEN = 0.2
"""An accuracy shown so far below the true one is wrong."""
BEGUN, LEARNED = 0.05, 2 / 3
"""Between these a model has learned, and not far: 0 knows nothing, 1 has all right."""


@dataclass(frozen=True)
class Symptom:
    """What one sees.

    Attributes:
        title: in the words of those who see it.
        typed: what they search for.
        rule: when a run shows it.
        shows: whether one does.
    """

    title: str
    typed: tuple[str, ...]
    rule: str
    shows: Callable[[Row], bool]


def learned(row: Row) -> float:
    """Return how far a run got: 0 for what knowing nothing gets, 1 for all right."""
    if not row["right"]:
        return 0.0
    return float((row["right"][-1] - row["most"]) / (1 - row["most"]))


def _finite(row: Row) -> bool:
    return bool(row["losses"]) and all(math.isfinite(loss) for loss in row["losses"])


def _stays(row: Row) -> bool:
    return _finite(row) and all(r <= row["most"] + CHANCE for r in row["right"][1:])


def _jumps(row: Row) -> bool:
    losses = row["losses"]
    return _finite(row) and any(
        loss > 2 * min(losses[:at]) > 0 for at, loss in enumerate(losses) if at
    )


SYMPTOMS = (
    Symptom(
        "The loss is NaN",
        ("loss is nan", "loss becomes nan", "loss nan after first epoch", "loss goes to infinity"),
        "A loss that `fit` shows is NaN or infinite.",
        lambda row: bool(row["losses"]) and not _finite(row),
    ),
    Symptom(
        "Training stops with an error",
        ("label value outside valid range", "shapes are incompatible", "indices out of range"),
        "`fit` raises an error.",
        lambda row: row["error"] != "",
    ),
    Symptom(
        "The loss stays at 0.69",
        ("loss stays at 0.69", "loss stuck at 0.693", "binary crossentropy stuck at 0.6931"),
        "The last loss is 0.69, which is ln 2: what it costs to give both classes one half.",
        lambda row: bool(row["losses"]) and round(row["losses"][-1], 2) == round(math.log(2), 2),
    ),
    Symptom(
        "The loss does not fall",
        ("loss does not decrease", "loss stays the same every epoch", "loss constant"),
        f"The last loss is at least {100 * FLAT:.0f} % of the first, and all are finite.",
        lambda row: _finite(row) and row["losses"][-1] >= FLAT * row["losses"][0] > 0,
    ),
    Symptom(
        "Accuracy stays at chance",
        ("accuracy stuck at 10 %", "accuracy stuck at 50 %", "accuracy does not change"),
        f"At {LOOKS} looks on the way the share of right answers is never above that of the "
        f"commonest class by more than {CHANCE}, and all losses are finite.",
        lambda row: row["most"] > 0 and _stays(row),
    ),
    Symptom(
        "Accuracy is high from the start",
        ("99 % accuracy after first epoch", "high accuracy but predicts only one class"),
        f"The commonest class is at least {100 * MOST:.0f} % of all, and accuracy stays there.",
        lambda row: row["most"] >= MOST and _stays(row),
    ),
    Symptom(
        "All answers are the same",
        ("model predicts same class for everything", "network always outputs same value"),
        "At the end one answer is given to all examples; of measurements, with a hundredth of the "
        "targets' spread.",
        lambda row: bool(row["losses"]) and row["alike"],
    ),
    Symptom(
        "The loss jumps or grows",
        ("loss increases", "loss suddenly jumps", "training loss goes up", "loss fluctuates"),
        "A loss is more than twice an earlier one, and all are finite.",
        _jumps,
    ),
    Symptom(
        "The loss is negative",
        ("negative loss", "loss below zero", "loss goes to minus infinity"),
        "A loss is below 0.",
        lambda row: bool(row["losses"]) and min(row["losses"]) < 0,
    ),
    Symptom(
        "The loss is huge",
        ("loss is very large", "huge loss regression", "loss in the millions"),
        f"The first loss is above {HUGE}, and all are finite.",
        lambda row: _finite(row) and row["losses"][0] > HUGE,
    ),
    Symptom(
        "Validation is better than training",
        ("validation better than training", "validation loss lower than training loss"),
        f"On the same examples the last training loss is above {APART} times the validation loss.",
        lambda row: 0 < row["validation"] * APART < row["losses"][-1] if _finite(row) else False,
    ),
    Symptom(
        "Validation is worse on the same examples",
        ("validation loss much higher than training loss", "good in fit bad in predict"),
        f"On the same examples the validation loss is above {APART} times the last training loss.",
        lambda row: row["validation"] > APART * row["losses"][-1] > 0 if _finite(row) else False,
    ),
    Symptom(
        "Accuracy is 0, or too low, though the loss falls",
        ("accuracy zero but loss decreases", "accuracy always zero regression"),
        f"The accuracy shown is at least {HIDDEN} below the share that is right.",
        lambda row: row["metric"] is not None and row["right"][-1] - row["metric"] >= HIDDEN,
    ),
    Symptom(
        "It learns, and not far",
        ("accuracy plateaus", "model underfits", "loss decreases very slowly"),
        f"The loss falls, and the answers end between {BEGUN} and {LEARNED:.2f} of the way from "
        "knowing nothing to all right.",
        lambda row: (
            _finite(row)
            and row["losses"][-1] < FLAT * row["losses"][0]
            and BEGUN < learned(row) < LEARNED
        ),
    ),
)


def seen(row: Row) -> list[str]:
    """Return the titles of the symptoms that a run shows."""
    return [symptom.title for symptom in SYMPTOMS if symptom.shows(row)]


def shown(row: Row) -> str:
    """Return in a few words what was seen."""
    if row["error"]:
        return f"`{row['error']}`"
    first, last = (_number(row["losses"][at]) for at in (0, -1))
    said = [f"loss {first} to {last}"]
    if math.isfinite(row["validation"]):
        said.append(f"validation {_number(row['validation'])}")
    if row["most"] and math.isfinite(row["losses"][-1]):
        said.append(f"right {row['right'][-1]:.2f}, commonest class {row['most']:.2f}")
    if row["metric"] is not None:
        said.append(f"accuracy shown {row['metric']:.2f}")
    return "; ".join(said)


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.3g}".replace("inf", "infinite")


def index(rows: Mapping[str, Row]) -> str:
    """Return the symptoms as Markdown: a section each, with the faults that show it.

    A healthy model that shows it too is named: there the symptom is no fault.

    Args:
        rows: what ``watched.run`` saw, by the case's name.
    """
    ill = [name for name, case in CASES.items() if case.code]
    well = [name for name, case in CASES.items() if not case.code]
    parts = []
    for symptom in SYMPTOMS:
        names = [name for name in ill if symptom.shows(rows[name])]
        parts += [f"## {symptom.title}", "", f"Typed as: {'; '.join(symptom.typed)}.", ""]
        parts += [symptom.rule, "", *_table(names, rows), ""]
        for name in (name for name in well if symptom.shows(rows[name])):
            parts += [f"A healthy model shows it too, *{name}*: {shown(rows[name])}.", ""]
    hidden = [name for name in ill if not seen(rows[name])]
    parts += ["## Nothing is to be seen", ""]
    parts += ["None of the rules above is met.", "", *_table(hidden, rows)]
    return "\n".join(parts)


def _table(names: Sequence[str], rows: Mapping[str, Row]) -> list[str]:
    """Return a row for each fault, the gravest code first."""
    order = list(PAGES)
    if not names:
        return ["No planted fault shows it."]
    lines = ["| planted fault | code | what was seen | page |", "|---|---|---|---|"]
    for name in sorted(names, key=lambda name: order.index(CASES[name].code)):
        code = CASES[name].code
        link = f"[{PAGES[code]}](../{PAGES[code]}.md)"
        lines.append(f"| {name} | `{code}` | {shown(rows[name])} | {link} |")
    return lines
