"""One record per result of a paper: what it says, what we get, and the label that this earns.

A record states the paper's number and the tolerance, or a statement of the paper and the bounds
our number must keep for the statement to hold. The label is not typed, it is earned:

- "reproduced": the mean of our values lies within the tolerance of the paper's number;
- "qualitative": it does not, or the paper gives no number, but ours keeps the bounds;
- "cited only": nothing was run.

A record also claims a label, and ``check`` refuses a claim that is not earned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = ["LABELS", "Outcome", "Reproduction", "check", "label"]

LABELS = ("reproduced", "qualitative", "cited only")
"""All labels, the strongest first."""


@dataclass(frozen=True)
class Outcome:
    """Our values, one a seed; a single one where nothing is random.

    Attributes:
        values: the values, in the order of the seeds.
    """

    values: tuple[float, ...]

    @cached_property
    def mean(self) -> float:
        """Their mean."""
        return math.fsum(self.values) / len(self.values)

    def __str__(self) -> str:
        return self.written(".3g")

    def written(self, form: str) -> str:
        """Return the mean, and the range where there are several values, each in this format."""
        if len(self.values) == 1:
            return format(self.mean, form)
        low, high = format(min(self.values), form), format(max(self.values), form)
        return f"{format(self.mean, form)} ({low} to {high}, {len(self.values)} seeds)"


@dataclass(frozen=True)
class Reproduction:
    """A result of a paper and how it is checked.

    Attributes:
        key: the record's name, unique.
        paper: the paper's anchor on the page of papers.
        where: figure, table, equation or section.
        what: what is measured, in our words.
        theirs: the paper's number, or its statement in our words.
        page: the page that shows it, without folder and suffix.
        claim: the label that the record claims.
        run: our function; it returns one value, or one a seed.
        tolerance: how far our mean may lie from the paper's number.
        bounds: where our mean must lie for the paper's statement to hold.
        checked: where the paper's number was looked up.
    """

    key: str
    paper: str
    where: str
    what: str
    theirs: float | str
    page: str
    claim: str
    run: Callable[[], float | Sequence[float]] | None = None
    tolerance: float | None = None
    bounds: tuple[float, float] | None = None
    checked: str = "the paper's text"

    def __post_init__(self) -> None:
        if self.claim not in LABELS:
            raise ValueError(f"claim must be one of {', '.join(LABELS)}, got {self.claim!r}")
        if (self.run is None) != (self.claim == "cited only"):
            raise ValueError(f"run must be given if and only if something was run, see {self.key}")
        if self.claim == "reproduced" and (
            isinstance(self.theirs, str) or self.tolerance is None or not self.tolerance > 0
        ):
            raise ValueError(f"tolerance must be above 0, beside the paper's number: {self.key}")
        if self.claim == "qualitative" and self.bounds is None:
            raise ValueError(f"bounds must be given for a qualitative claim, see {self.key}")

    def outcome(self) -> Outcome | None:
        """Run it; None where nothing is run."""
        if self.run is None:
            return None
        values = self.run()
        return Outcome(
            tuple(map(float, values)) if isinstance(values, Sequence) else (float(values),)
        )

    def shown(self, outcome: Outcome | None) -> str:
        """Return our values as a table shows them.

        Args:
            outcome: what ``check`` returned.
        """
        if outcome is None:
            return "not run"
        if self.theirs == 0 and self.tolerance is not None:
            # What is left is rounding, whose digits differ between machines.
            return f"below {self.tolerance:.0e}"
        if self.tolerance is not None:
            # One digit more than the tolerance has, and none that rounding could change.
            decimals = math.ceil(-math.log10(self.tolerance)) + 1
            return outcome.written(f".{min(max(decimals, 0), 6)}f")
        return str(outcome)

    @property
    def demand(self) -> str:
        """What our mean is held to."""
        if self.claim == "reproduced" and self.tolerance is not None:
            return f"within {self.tolerance:g}"
        if self.bounds is None:
            return ""
        low, high = self.bounds
        if math.isinf(high):
            return f"above {low:.3g}"
        if math.isinf(low):
            return f"below {high:.3g}"
        return f"{low:.3g} to {high:.3g}"


def label(record: Reproduction, outcome: Outcome | None) -> str:
    """Return the label that an outcome earns, "not reproduced" where it earns none.

    Examples:
        >>> record = Reproduction(
        ...     "pi", "none-2000", "eq. 1", "pi", 3.14, "pi", "reproduced", lambda: 3.0, 0.01
        ... )
        >>> label(record, Outcome((3.1416,))), label(record, record.outcome())
        ('reproduced', 'not reproduced')
    """
    if outcome is None:
        return "cited only"
    near = (
        not isinstance(record.theirs, str)
        and record.tolerance is not None
        and abs(outcome.mean - record.theirs) <= record.tolerance
    )
    if near:
        return "reproduced"
    if record.bounds is not None and record.bounds[0] <= outcome.mean <= record.bounds[1]:
        return "qualitative"
    return "not reproduced"


def check(record: Reproduction) -> Outcome | None:
    """Run a record and return what came out.

    Raises:
        ValueError: if the label it claims is not the one it earns.
    """
    outcome = record.outcome()
    earned = label(record, outcome)
    if earned != record.claim:
        raise ValueError(
            f"{record.key} claims {record.claim!r}: ours {record.shown(outcome)}, "
            f"theirs {record.theirs}, {record.demand}: {earned}"
        )
    return outcome
