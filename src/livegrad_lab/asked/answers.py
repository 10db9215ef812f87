"""What the panels answer: in how many settings a claim is borne out, and by how much."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from livegrad._checks import Array
from livegrad_lab import followed, panel, practices
from livegrad_lab.asked.records import ASKED, PRACTICES, Asked, find
from livegrad_lab.stack import OPTIMIZERS
from livegrad_lab.verdicts import POINTS, Comparison, Decided, decide, kept_or_run, results

__all__ = ["Answer", "ask", "curves", "decided", "overview", "table"]

Row = tuple[float, float, float, str]


def _row(case: Decided) -> Row:
    return (*case.interval, case.outcome)


def _holds(one: Comparison) -> tuple[float, float]:
    return (one.margin, math.inf) if one.relation == "above" else (-one.margin, one.margin)


@dataclass(frozen=True)
class Answer:
    """A claim with what was decided in each setting.

    Attributes:
        claim: the claim.
        cases: each comparison in each setting.
    """

    claim: Asked
    cases: tuple[Decided, ...]

    def of(self, one: Comparison, point: str = "", optimizer: str = "") -> list[Decided]:
        """Return the cases of a comparison, at one point or with one optimizer if it is named."""
        return [
            case
            for case in self.cases
            if case.comparison == one
            and point in case.setting.point
            and optimizer in case.setting.optimizer
        ]

    def count(self, outcome: str, statement: str = "", point: str = "", **setting: object) -> int:
        """Return how many cases have that outcome.

        Args:
            outcome: "borne out", "contradicted" or "open".
            statement: part of the comparisons' own.
            point: "early" or "at the end"; both, unless one is named.
            setting: what else the setting must have, e.g. ``optimizer="adam"``.
        """
        return sum(
            case.outcome == outcome
            and statement in case.comparison.statement
            and point in case.setting.point
            and all(getattr(case.setting, name) == value for name, value in setting.items())
            for case in self.cases
        )

    def rows(self) -> tuple[dict[str, list[Row]], dict[str, tuple[float, float]]]:
        """Return what ``figures.forest`` draws: a row for each comparison, early and at the end."""
        cases, holds = {}, {}
        for one in self.claim.comparisons:
            for point in POINTS:
                name = f"{one.statement}, {point}"
                cases[name] = [_row(case) for case in self.of(one, point)]
                holds[name] = _holds(one)
        return cases, holds

    @property
    def verdict(self) -> str:
        """In how many cases the claim is borne out, contradicted and open."""
        found = Counter(case.outcome for case in self.cases)
        total = len(self.cases)
        if found["borne out"] == total:
            return f"borne out in all {total} cases"
        counts = f"contradicted in {found['contradicted']}, open in {found['open']}"
        if not found["borne out"]:
            return f"not borne out: {counts} of {total} cases"
        return f"borne out in {found['borne out']} of {total} cases, {counts}"

    def __str__(self) -> str:
        lines = [f'"{self.claim.statement}" ({self.claim.source})']
        for one in self.claim.comparisons:
            left = f"{one.left} - {one.right}"
            if one.rate_of:
                left += f" at the rate of {one.rate_of}"
            rule = (
                f"above {one.margin:g}" if one.relation == "above" else f"0 within {one.margin:g}"
            )
            lines += ["", f"{one.statement}: {one.quantity}", f"  ({left}) is {rule}"]
            lines.append(f"{'':24}borne out  contradicted  open   differences")
            for point in POINTS:
                for optimizer in OPTIMIZERS:
                    cases = self.of(one, point, optimizer)
                    found = Counter(case.outcome for case in cases)
                    means = [float(case.differences.mean()) for case in cases]
                    spread = f"{min(means):+.3f} to {max(means):+.3f}"
                    lines.append(
                        f"  {point + ', ' + optimizer:22}{found['borne out']:9}"
                        f"{found['contradicted']:14}{found['open']:6}   {spread}"
                    )
        return "\n".join([*lines, "", f"verdict: {self.verdict}"])


@cache
def decided(of: ModuleType = practices) -> tuple[Decided, ...]:
    """Decide all comparisons of a panel together."""
    if of is panel:
        return tuple(decide(results()[0]))
    every = [one for claim in PRACTICES.values() for one in claim]
    return tuple(decide(results(practices)[0], every))


def ask(code: str) -> Answer:
    """Answer a claim in all settings of its panel.

    Raises:
        ValueError: if the code is unknown.
    """
    claim = find(code)
    cases = tuple(one for one in decided(claim.of) if one.comparison in claim.comparisons)
    return Answer(claim, cases)


def curves(code: str, optimizer: str) -> dict[str, Array]:
    """Return the test accuracies along the way of a claim's arms, shape (seeds, epochs) each.

    In the setting of ``followed``. Of more than four arms the first four.

    Args:
        code: which claim.
        optimizer: of ``stack.OPTIMIZERS``.

    Raises:
        ValueError: if the code is unknown.
    """
    claim = find(code)
    pairs = [(one.left, one.rate_of or one.right) for one in claim.comparisons]
    arms = list(dict.fromkeys(arm for pair in pairs for arm in pair))[:4]
    homes = {arm: name for name, group in practices.GROUPS.items() for arm in group.networks}
    groups = [followed.PANEL if claim.of is panel else homes[arm] for arm in arms]
    todo = [
        {"group": group, "optimizer": optimizer, "seed": seed}
        for group in dict.fromkeys(groups)
        for seed in range(followed.SEEDS)
    ]
    runs = kept_or_run(followed.run, todo)
    return {
        arm: np.array(
            [run[arm] for given, run in zip(todo, runs, strict=True) if given["group"] == group]
        )
        for arm, group in zip(arms, groups, strict=True)
    }


def overview() -> tuple[dict[str, list[Row]], dict[str, tuple[float, float]]]:
    """Return what ``figures.forest`` draws of all claims: a row a comparison, early first."""
    cases, holds = {}, {}
    for code, claim in ASKED.items():
        answer = ask(code)
        for one in claim.comparisons:
            found = [case for point in POINTS for case in answer.of(one, point)]
            cases[one.statement] = [_row(case) for case in found]
            holds[one.statement] = _holds(one)
    return cases, holds


def table(pages: str = "{topic}.md#{code}") -> str:
    """Return a Markdown table: claim, comparison, and in how many cases it is what.

    Args:
        pages: where a claim is asked, from its topic and code.
    """
    rows = [
        "| claim | asked | borne out early | at the end | contradicted | open | differences |",
        "|---|---|---|---|---|---|---|",
    ]
    for code, claim in ASKED.items():
        answer = ask(code)
        head = f"[{claim.statement}]({pages.format(topic=claim.topic, code=code)})"
        for one in claim.comparisons:
            cases = answer.of(one)
            early, late = (
                f"{sum(case.outcome == 'borne out' for case in found)} of {len(found)}"
                for found in (answer.of(one, point) for point in POINTS)
            )
            found = Counter(case.outcome for case in cases)
            means = [float(case.differences.mean()) for case in cases]
            rows.append(
                f"| {head} | {one.statement} | {early} | {late} | {found['contradicted']} "
                f"| {found['open']} | {min(means):+.2f} to {max(means):+.2f} |"
            )
            head = ""
    return "\n".join(rows)
