"""What lecturers, blogs and papers say, put on trial: one record a claim, one module a topic.

``trial(code)`` tries one claim, ``trials()`` all of them, ``table(results)`` lists the verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from livegrad_lab.claims import activations, dropout, gradients, initializers, outputs
from livegrad_lab.sweep import sweep
from livegrad_lab.trial import CaseResult, Claim, Result, judge

__all__ = [
    "CLAIMS",
    "FAMILY",
    "ON_TRIAL",
    "TOPICS",
    "find",
    "seed_of",
    "settings",
    "table",
    "trial",
    "trials",
]

TOPICS: Mapping[str, tuple[Claim, ...]] = {
    "gradients": gradients.CLAIMS,
    "activations": activations.CLAIMS,
    "initializers": initializers.CLAIMS,
    "dropout": dropout.CLAIMS,
    "outputs": outputs.CLAIMS,
}
"""The claims by topic, in the order of the formula's factors."""

CLAIMS: Mapping[str, Claim] = {claim.code: claim for topic in TOPICS.values() for claim in topic}
"""All claims by code."""

ON_TRIAL = sum(len(claim.cases) for claim in CLAIMS.values())
"""How many cases there are."""

FAMILY = 100
"""The cases among which the error is shared out: more than there are, fixed before the next comes.

A claim that is added then changes no other's p-value. Beyond it, the family has to be fixed anew.
"""

_tried: dict[str, Result] = {}


def find(code: str) -> Claim:
    """Return the claim of this code.

    Raises:
        ValueError: if there is none; the message lists the codes.

    Examples:
        >>> find("sigmoid-is-softmax").source
        'S15; Bridle 1990'
    """
    if code not in CLAIMS:
        raise ValueError(f"code must be one of {', '.join(CLAIMS)}, got {code!r}")
    return CLAIMS[code]


def seed_of(code: str, seed: int) -> dict[str, float]:
    """Run a claim's experiment for one seed and return one number for each arm."""
    return {arm: float(number) for arm, number in find(code).experiment(seed).items()}


def settings(claims: Iterable[Claim] = CLAIMS.values()) -> list[dict[str, Any]]:
    """Return the settings of all runs that try these claims."""
    return [{"code": claim.code, "seed": seed} for claim in claims for seed in range(claim.seeds)]


def trials(codes: Iterable[str] | None = None) -> list[Result]:
    """Try claims, all of them unless named, in one sweep over claims and seeds.

    In one process a claim is tried once; beyond it, runs are kept where ``sweep`` keeps them.

    Args:
        codes: which claims.

    Raises:
        ValueError: if a code is unknown.
    """
    wanted = [find(code) for code in (CLAIMS if codes is None else codes)]
    todo = [claim for claim in wanted if claim.code not in _tried]
    runs = iter(sweep(seed_of, settings(todo)))
    for claim in todo:
        seeds = [next(runs) for _ in range(claim.seeds)]
        values = {arm: [seed[arm] for seed in seeds] for arm in seeds[0]}
        _tried[claim.code] = judge(claim, values, FAMILY)
    return [_tried[claim.code] for claim in wanted]


def trial(code: str) -> Result:
    """Try one claim; print the result for a report.

    Raises:
        ValueError: if the code is unknown.
    """
    return trials([code])[0]


def table(results: Iterable[Result], pages: str = "{topic}.md#{code}") -> str:
    """Return a Markdown table: claim, case, difference with interval, effect, p-value, verdict.

    The p-value is of what the case was decided for; of an open one there are both, the contrary's
    last.

    Args:
        results: of ``trials``.
        pages: where a claim is tried, from its topic and code.
    """
    homes = {claim.code: topic for topic, claims in TOPICS.items() for claim in claims}
    rows = [
        "| claim | when | difference [95 % interval] | effect | p, corrected | the case is |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        claim = result.claim
        where = pages.format(topic=homes[claim.code], code=claim.code)
        head = f"[{claim.statement}]({where}) **{_short(result)}**"
        for found in result.cases:
            numbers = f"{found.spread} | {found.effect:.2f} | {_decided_by(found)}"
            if found.case.relation == "exactly":
                numbers = f"at most {found.largest:.1g} | | an identity"
            rows.append(f"| {head} | {found.case.when} | {numbers} | {found.outcome} |")
            head = ""
    return "\n".join(rows)


def _decided_by(found: CaseResult) -> str:
    said, contrary = (f"{corrected:.1e}" for corrected in found.corrected)
    ways = {"borne out": said, "contradicted": contrary}
    return ways.get(found.outcome, f"{said} and {contrary}")


def _short(result: Result) -> str:
    """Return the verdict without its conditions, which the table's own rows say."""
    verdict = result.verdict
    return "borne out when …" if verdict.startswith("borne out when") else verdict
