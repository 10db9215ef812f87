"""A claim on trial: statement, experiment, decision rule, numbers over seeds, computed verdict.

**What is measured.** An experiment gives one number for each arm and seed. All arms of a seed share
its data and, where they can, its first weights, so that two arms are compared pair by pair: what
counts is the difference d of a seed, left arm minus right arm.

**The rule.** A claim has one case for each condition under which it is asked to hold. A case says,
before the run, that the mean difference is *above* or *below* a margin, or *equal* to 0 within a
margin. The margin is the smallest difference that would matter.

**The numbers.** The interval is a bootstrap interval of the mean difference (bias-corrected and
accelerated). The effect size is the rank-biserial correlation for matched pairs: the rank sum of
the seeds with d > 0 minus that of the seeds with d < 0, as a share of their sum; 1 means that all
seeds agree. The p-value is exact: if d - margin were as likely positive as negative, how many of
all flips of signs would give a mean as large as this? A claim of equality is tested on both sides
of 0, and the larger p-value counts.

**Both sides.** That a case is not so is a claim too, and is tried like the case itself: the mean
lies on the other side of the margin, or beyond the margin of an equality. So a case has two
p-values, of what is said and of its contrary.

**Identities.** What is true by algebra is not a matter of chance. Such a case says *exactly*: the
largest error of any seed lies within a bound, what rounding may cost. It has no p-value, and takes
no share of the error.

**Many claims.** Of many cases on trial, some would be decided by luck. The error of 5 % is shared
out among M cases, a number that is fixed and never below that of the cases tried. A claim gets
its share in proportion to its number of cases m, one half of it for what is said and one for the
contraries: on each side Holm's correction within the claim, times 2 M / m. So the chance that luck
decides any case of the site at all, for what is said or against it, is at most 5 %, whichever
claims are true; a claim can be tried without running the others, and one that is added changes no
other.

**The verdict.** A case is *borne out* if its corrected p-value is below 0.05 and the interval lies
on its side of the margin; *contradicted* if its contrary's is, and the interval lies on the other
side; *open* otherwise. Of an open case the report says what it could have shown: how far beyond the
margin the mean must lie to be found there with a chance of 80 %, whatever the claim's other cases
are.
A claim is *borne out in every case*, *borne out when* some condition is met, or *not borne out*.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array
from livegrad_lab.chance import (
    MOST_SEEDS,
    both_sides,
    holm,
    interval,
    rank_biserial,
    smallest_effect,
)

__all__ = ["ERROR", "Case", "CaseResult", "Claim", "Result", "judge", "share"]

ERROR = 0.05
"""The chance, at most, that luck decides any case of the site, for what is said or against it."""
FEWEST_SEEDS = 10
_SIDES = 2


@dataclass(frozen=True)
class Case:
    """One condition under which a claim is asked to hold.

    Attributes:
        when: the condition, as it stands after "borne out when".
        left: an arm of the experiment.
        relation: "above" or "below": the mean of left minus right lies on that side of the margin;
            "equal": it lies within the margin of 0; "exactly": no seed's difference is larger than
            the margin, as of an identity.
        right: another arm, or a number.
        margin: the smallest difference that matters; a negative one says "no worse than".

    Raises:
        ValueError: if the relation is unknown, or the margin of an equality is not above 0.
    """

    when: str
    left: str
    relation: Literal["above", "below", "equal", "exactly"]
    right: str | float
    margin: float

    def __post_init__(self) -> None:
        if self.relation not in ("above", "below", "equal", "exactly"):
            known = "'above', 'below', 'equal' or 'exactly'"
            raise ValueError(f"relation must be {known}, got {self.relation!r}")
        if self.relation in ("equal", "exactly") and not self.margin > 0:
            raise ValueError(f"margin must be above 0 for {self.relation!r}, got {self.margin!r}")
        if not math.isfinite(self.margin):
            raise ValueError(f"margin must be finite, got {self.margin!r}")

    @property
    def rule(self) -> str:
        """The rule in words."""
        right = self.right if isinstance(self.right, str) else f"{self.right:g}"
        difference = self.left if right == "0" else f"({self.left}) - ({right})"
        if self.relation == "equal":
            return f"{difference} is 0 within {self.margin:g}"
        if self.relation == "exactly":
            return f"{difference} is 0 in each seed, but for an error of {self.margin:g}"
        return f"{difference} is {self.relation} {self.margin:g}"


@dataclass(frozen=True)
class Claim:
    """A sentence that is said, and the experiment that decides on it.

    Attributes:
        code: its name, lower case words joined by hyphens.
        statement: the sentence as it is said.
        source: who says so: a statement of this site (S1, ...), a paper, or both.
        quantity: what the experiment's numbers are.
        experiment: from a seed to one number for each arm; all that is random comes from the seed.
        cases: the decision rule, fixed before the run.
        changes: what would change the verdict.
        seeds: how many seeds, from 10 to 20.

    Raises:
        ValueError: if the code is not of that form, or there is no case, or too few or many seeds.
    """

    code: str
    statement: str
    source: str
    quantity: str
    experiment: Callable[[int], Mapping[str, float]]
    cases: tuple[Case, ...]
    changes: str
    seeds: int = 16

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", self.code):
            raise ValueError(f"code must be words joined by hyphens, got {self.code!r}")
        if not self.cases:
            raise ValueError(f"cases must hold at least one case, got {self.cases!r}")
        if not FEWEST_SEEDS <= self.seeds <= MOST_SEEDS:
            bounds = f"from {FEWEST_SEEDS} to {MOST_SEEDS}"
            raise ValueError(f"seeds must be {bounds}, got {self.seeds!r}")


@dataclass(frozen=True)
class CaseResult:
    """What the seeds say about one case.

    Attributes:
        case: the case.
        differences: left minus right, shape (seeds,).
        mean: of the differences.
        low: lower end of the interval of the mean, of ``chance.interval``.
        high: its upper end.
        effect: rank-biserial correlation of the differences, from -1 to 1.
        p: p-values of what is said and of its contrary, alone; not numbers for an identity.
        corrected: both, corrected for all cases of the site.
        share: the p-value that decides the case whatever the claim's other cases are.
        outcome: "borne out", "contradicted" or "open".
    """

    case: Case
    differences: Array
    mean: float
    low: float
    high: float
    effect: float
    p: tuple[float, float]
    corrected: tuple[float, float]
    share: float
    outcome: str

    @property
    def largest(self) -> float:
        """The largest difference of any seed, whatever its sign."""
        return float(np.abs(self.differences).max())

    @property
    def reach(self) -> float:
        """How far beyond the margin a mean must lie to be found there with a chance of 80 %.

        The differences are taken to scatter as these do. Infinite where so few cannot find it.
        """
        seeds = len(self.differences)
        # Beyond an equality's margin are two sides, each with one half of the share.
        largest = self.share / 2 if self.case.relation == "equal" else self.share
        if largest < 2.0**-seeds:
            return math.inf
        return smallest_effect(largest, seeds) * float(self.differences.std(ddof=1))

    @property
    def spread(self) -> str:
        """The mean and its interval in words."""
        return f"{_short(self.mean)} [{_short(self.low)}, {_short(self.high)}]"


@dataclass(frozen=True)
class Result:
    """A claim after its trial; prints as a report.

    Attributes:
        claim: the claim.
        values: each arm's numbers, one a seed.
        cases: what the seeds say, case by case.
    """

    claim: Claim
    values: Mapping[str, Array]
    cases: tuple[CaseResult, ...]

    @property
    def verdict(self) -> str:
        """The verdict: "borne out in every case", "borne out when ..." or "not borne out"."""
        borne_out = [found.case.when for found in self.cases if found.outcome == "borne out"]
        if len(borne_out) == len(self.cases):
            return "borne out in every case"
        if borne_out:
            return f"borne out when {', or when '.join(borne_out)}"
        return "not borne out"

    def __str__(self) -> str:
        wide = max(24, *(len(name) for name in self.values))
        seeds = len(next(iter(self.values.values())))
        lines = textwrap.wrap(f'"{self.claim.statement}" ({self.claim.source})', 80)
        lines += ["", f"{self.claim.quantity}, {seeds} seeds"]
        lines += [f"  {'':{wide}}      mean        sd    lowest   highest"]
        for name, v in self.values.items():
            row = (v.mean(), v.std(ddof=1), v.min(), v.max())
            lines.append(f"  {name:{wide}}" + "".join(f"{_short(n):>10}" for n in row))
        for found in self.cases:
            lines += ["", f"when {found.case.when}"]
            lines += textwrap.wrap(
                f"rule: {found.case.rule}", 80, initial_indent="  ", subsequent_indent="    "
            )
            if found.case.relation == "exactly":
                lines += [f"  largest error {_short(found.largest)}: {found.outcome}"]
                continue
            lines += [f"  difference {found.spread}, effect {found.effect:.2f}", *_decision(found)]
        lines += ["", *textwrap.wrap(f"verdict: {self.verdict}", 80)]
        return "\n".join(lines)


def judge(claim: Claim, values: Mapping[str, ArrayLike], family: int) -> Result:
    """Apply the claim's rule to its numbers.

    Args:
        claim: the claim.
        values: for each arm one number a seed, shape (seeds,).
        family: how many cases the error is shared out among, this claim's included.

    Raises:
        ValueError: if an arm is missing, a number is not finite, there are too few or too many
            seeds, or ``family`` is less than the claim's cases.
    """
    arrays = {name: np.asarray(v, dtype=np.float64) for name, v in values.items()}
    if family < len(claim.cases):
        raise ValueError(f"family must be at least {len(claim.cases)}, got {family!r}")
    for name, v in arrays.items():
        if v.ndim != 1 or not FEWEST_SEEDS <= len(v) <= MOST_SEEDS:
            bounds = f"(seeds,) with {FEWEST_SEEDS} to {MOST_SEEDS} seeds"
            raise ValueError(f"values[{name!r}] must have the shape {bounds}, got {v.shape}")
        if not np.isfinite(v).all():
            raise ValueError(f"values[{name!r}] must be finite, got {v[~np.isfinite(v)][0]}")
    differences = [_differences(case, arrays) for case in claim.cases]
    p = np.full((len(claim.cases), _SIDES), math.nan)
    by_luck = [case.relation != "exactly" for case in claim.cases]
    for at, (case, d) in enumerate(zip(claim.cases, differences, strict=True)):
        if by_luck[at]:
            p[at] = both_sides(d, case.relation, case.margin)
    corrected = p.copy()
    corrected[by_luck] = _corrected(p[by_luck], family)
    found = []
    for at, (case, d) in enumerate(zip(claim.cases, differences, strict=True)):
        low, high = interval(d)
        chances = (
            (float(p[at, 0]), float(p[at, 1])),
            (float(corrected[at, 0]), float(corrected[at, 1])),
        )
        outcome = _outcome(case, d, (low, high), chances[1])
        numbers = (float(d.mean()), low, high, rank_biserial(d), *chances, share(family))
        found.append(CaseResult(case, d, *numbers, outcome))
    return Result(claim, arrays, tuple(found))


def share(family: int) -> float:
    """Return the p-value that decides a case whatever the claim's other cases are.

    Args:
        family: how many cases the error is shared out among.
    """
    return ERROR / (_SIDES * family)


def _differences(case: Case, values: Mapping[str, Array]) -> Array:
    for arm in (case.left, case.right):
        if isinstance(arm, str) and arm not in values:
            raise ValueError(f"values must hold the arm {arm!r}, got {list(values)}")
    right = values[case.right] if isinstance(case.right, str) else case.right
    return np.asarray(values[case.left] - right)


def _corrected(p: Array, family: int) -> Array:
    """Correct the p-values of a claim's cases, (cases, 2), on each side by Holm's method.

    Each side has its own half of the error. In one sequence with the contraries, of which none can
    be found where all cases are borne out, the last of the cases would pay for them.
    """
    within = np.column_stack([holm(side) for side in p.T])  # (cases, 2)
    return np.minimum(within * _SIDES * family / max(len(p), 1), 1.0)


def _outcome(
    case: Case, d: Array, ends: tuple[float, float], corrected: tuple[float, float]
) -> str:
    low, high = ends
    if case.relation == "exactly":
        return "borne out" if np.abs(d).max() <= case.margin else "contradicted"
    if case.relation == "above":
        inside, outside = low > case.margin, high < case.margin
    elif case.relation == "below":
        inside, outside = high < case.margin, low > case.margin
    else:
        inside = low > -case.margin and high < case.margin
        outside = low > case.margin or high < -case.margin
    if inside and corrected[0] < ERROR:
        return "borne out"
    return "contradicted" if outside and corrected[1] < ERROR else "open"


def _decision(found: CaseResult) -> list[str]:
    """Return the lines of a report that say on which side a case was decided, and how surely."""
    said, contrary = (
        f"p {p:.1e}, corrected {corrected:.1e}"
        for p, corrected in zip(found.p, found.corrected, strict=True)
    )
    if found.outcome == "borne out":
        return [f"  {said}: borne out"]
    if found.outcome == "contradicted":
        return [f"  of the contrary {contrary}: contradicted"]
    could = f"a mean {_short(found.reach)} beyond the margin is found with a chance of 80 %"
    if math.isinf(found.reach):
        could = "so few seeds find no mean beyond the margin, wherever it lies"
    return [f"  {said}", f"  of the contrary {contrary}: open", f"  {could}"]


def _short(number: float) -> str:
    # Two digits: what one image more or less in one seed leaves alone on another machine.
    if abs(number) >= 100:
        return f"{number:.0f}"
    return "0" if number == 0 else f"{number:.2g}"
