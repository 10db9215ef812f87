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

**Identities.** What is true by algebra is not a matter of chance. Such a case says *exactly*: the
largest error of any seed lies within a bound, what rounding may cost. It has no p-value, and takes
no share of the error.

**Many claims.** Of many cases on trial, some would be borne out by luck. The error of 5 % is shared
out among M cases, a number that is fixed and never below that of the cases tried. A claim gets
its share in proportion to its number of cases m: Holm's correction within the claim, times M / m.
So the chance that luck bears out any case of the site at all is at most 5 %, whichever claims are
true; a claim can be tried without running the others, and one that is added changes no other.

**The verdict.** A case is *borne out* if the corrected p-value is below 0.05 and the interval lies
on its side of the margin; *contradicted* if the interval lies on the other side; *open* otherwise.
A claim is *borne out in every case*, *borne out when* some condition is met, or *not borne out*.
Contradictions rest on the interval of the case alone, and are not corrected for their number.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array

__all__ = [
    "ERROR",
    "Case",
    "CaseResult",
    "Claim",
    "Result",
    "holm",
    "interval",
    "judge",
    "rank_biserial",
    "sign_flip_p",
]

ERROR = 0.05
"""The chance, at most, that any case of the site is borne out by luck."""
FEWEST_SEEDS, MOST_SEEDS = 10, 20
_RESAMPLES = 4999


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
        low: lower end of the interval of the mean, at the level of 95 %.
        high: its upper end.
        effect: rank-biserial correlation of the differences, from -1 to 1.
        p: p-value of the case alone; not a number for an identity.
        corrected: p-value, corrected for all cases of the site; not a number for an identity.
        outcome: "borne out", "contradicted" or "open".
    """

    case: Case
    differences: Array
    mean: float
    low: float
    high: float
    effect: float
    p: float
    corrected: float
    outcome: str

    @property
    def largest(self) -> float:
        """The largest difference of any seed, whatever its sign."""
        return float(np.abs(self.differences).max())

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
            numbers = f"difference {found.spread}, effect {found.effect:.2f}"
            chances = f"p {found.p:.1e}, corrected {found.corrected:.1e}"
            lines += [f"  {numbers}", f"  {chances}: {found.outcome}"]
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
    p = np.array([_p_value(case, d) for case, d in zip(claim.cases, differences, strict=True)])
    chance = np.isfinite(p)  # which cases are a matter of chance, (cases,)
    corrected = np.full(len(p), math.nan)
    if chance.any():
        corrected[chance] = np.minimum(holm(p[chance]) * family / chance.sum(), 1.0)
    found = []
    for at, (case, d) in enumerate(zip(claim.cases, differences, strict=True)):
        low, high = interval(d)
        outcome = _outcome(case, d, low, high, float(corrected[at]))
        chances = float(p[at]), float(corrected[at])
        numbers = (float(d.mean()), low, high, rank_biserial(d), *chances)
        found.append(CaseResult(case, d, *numbers, outcome))
    return Result(claim, arrays, tuple(found))


def interval(differences: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the bootstrap interval of the mean, bias-corrected and accelerated.

    Always the same for the same numbers: the resampling has its own seed. Where all numbers are
    the same there is nothing to resample, and the interval is that number.

    Args:
        differences: shape (seeds,).
        level: the share of such intervals that are to hold the true mean.

    Examples:
        >>> low, high = interval([0.9, 1.1, 1.0, 0.8, 1.2, 1.0, 0.9, 1.1, 1.0, 1.0])
        >>> low < 1.0 < high
        True

    Source:
        Efron and Tibshirani 1993.
    """
    from scipy.stats import bootstrap

    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    if np.ptp(d) <= 1e-12 * np.abs(d).max():
        return float(d[0]), float(d[0])
    found = bootstrap(
        (d,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def sign_flip_p(differences: ArrayLike) -> float:
    """Return the exact one-sided p-value of "the differences have a mean above 0".

    If each difference were as likely positive as negative, all 2^n flips of their signs would be
    equally likely. The p-value is the share of them whose sum is at least the one seen.

    Args:
        differences: shape (seeds,), at most 20 seeds.

    Raises:
        ValueError: if there are none or too many.

    Examples:
        >>> sign_flip_p([1.0, 2.0, 3.0])
        0.125

    Source:
        Fisher 1935, chapter 3.
    """
    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    if d.ndim != 1 or not 1 <= len(d) <= MOST_SEEDS:
        raise ValueError(f"differences must be 1 to {MOST_SEEDS} numbers, got shape {d.shape}")
    top = float(np.abs(d).max())
    if top == 0:
        return 1.0
    sums = np.zeros(1)  # doubles with each seed
    for size in np.abs(d) / top:
        sums = np.concatenate([sums + size, sums - size])
    # Sums that differ by rounding alone are equal.
    return float(np.mean(sums >= (d / top).sum() - 1e-9))


def rank_biserial(differences: ArrayLike) -> float:
    """Return the rank-biserial correlation for matched pairs, from -1 to 1.

    The absolute differences are ranked, zeros left out. It is the rank sum of the positive ones
    minus that of the negative ones, divided by the sum of all; 0 where all are 0.

    Args:
        differences: shape (seeds,).

    Examples:
        >>> rank_biserial([1.0, 2.0, -3.0])
        0.0

    Source:
        Kerby 2014.
    """
    from scipy.stats import rankdata

    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    d = d[d != 0]
    if d.size == 0:
        return 0.0
    ranks = rankdata(np.abs(d))  # (seeds,)
    return float(np.sum(np.sign(d) * ranks) / ranks.sum())


def holm(p: Sequence[float]) -> Array:
    """Return Holm's corrected p-values, in the order of ``p``.

    The smallest is multiplied by their number, the next by one less, and so on; none may be smaller
    than one before it, and none is above 1.

    Args:
        p: p-values of one family of tests.

    Raises:
        ValueError: if one lies outside [0, 1].

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])

    Source:
        Holm 1979.
    """
    given = np.asarray(p, dtype=np.float64)  # (tests,)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p must hold numbers from 0 to 1, got {given.tolist()}")
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _differences(case: Case, values: Mapping[str, Array]) -> Array:
    for arm in (case.left, case.right):
        if isinstance(arm, str) and arm not in values:
            raise ValueError(f"values must hold the arm {arm!r}, got {list(values)}")
    right = values[case.right] if isinstance(case.right, str) else case.right
    return np.asarray(values[case.left] - right)


def _p_value(case: Case, d: Array) -> float:
    if case.relation == "exactly":
        return math.nan
    if case.relation == "above":
        return sign_flip_p(d - case.margin)
    if case.relation == "below":
        return sign_flip_p(case.margin - d)
    return max(sign_flip_p(d + case.margin), sign_flip_p(case.margin - d))


def _outcome(case: Case, d: Array, low: float, high: float, corrected: float) -> str:
    if case.relation == "exactly":
        return "borne out" if np.abs(d).max() <= case.margin else "contradicted"
    if case.relation == "above":
        inside, outside = low > case.margin, high < case.margin
    elif case.relation == "below":
        inside, outside = high < case.margin, low > case.margin
    else:
        inside = low > -case.margin and high < case.margin
        outside = low > case.margin or high < -case.margin
    if inside and corrected < ERROR:
        return "borne out"
    return "contradicted" if outside else "open"


def _short(number: float) -> str:
    # Two digits: what one image more or less in one seed leaves alone on another machine.
    if abs(number) >= 100:
        return f"{number:.0f}"
    return "0" if number == 0 else f"{number:.2g}"
