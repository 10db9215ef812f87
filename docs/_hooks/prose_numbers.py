"""Find the numbers in a page's prose that nothing on the page bears out.

The rule starts from "any digit outside code": a number must stand in one of the page's Python
blocks or verified outputs (rounded as it is written), or be cited in the front matter
(``cited:`` maps the number to its source), or be structural (an identifier, a year in a
reference, a step number of a list).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

import fences

_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_SCIENTIFIC = re.compile(r"(\d(?:\.\d+)?)\s*\\(?:times|cdot)\s*10\^\{?(-?\d+)\}?")
_STRUCTURAL = [
    re.compile(r"\b(?:1[89]|20)\d\d\b"),  # a year
    re.compile(r"^\s*\d+\.\s", re.MULTILINE),  # a list's step
    re.compile(r"\b(?:eq|equation|fig|figure|table|section|step|layer|S)s?\.?\s*\(?\d+\)?", re.I),
    re.compile(r"\b\d-(?:d|fold|D)\b"),  # a number of dimensions, K-fold written out
    re.compile(r"\b(?:float|int|CC BY |Python )\d+(?:\.\d+)*"),
    re.compile(r"\b(?:arXiv|doi):[\d./]+"),
    re.compile(r"\b(?:Systems|PMLR|Research|Networks) \d+"),  # a volume of proceedings
]
_NOISE = [
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"\]\([^)]*\)"),  # a link's target
    re.compile(r"\{[:#.][^}]*\}"),  # an attribute list
    re.compile(r"<[^>]+>"),
    re.compile(r"https?://\S+"),
]


@dataclass
class Report:
    """The numbers of one page, by what bears them out."""

    verified: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    unverified: list[tuple[int, str, str]] = field(default_factory=list)


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return a page's front matter and the rest; blank lines keep the line numbers."""
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not match:
        return {}, text
    blank = "\n" * match[0].count("\n")
    return yaml.safe_load(match[1]) or {}, blank + text[match.end() :]


def _values(text: str) -> set[float]:
    text = text.replace("−", "-")
    found = {_value(number) for number in _NUMBER.findall(text)}
    found |= {_value(n) for n in re.findall(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)}
    return {abs(value) for value in found}


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-").rstrip("."))


def _borne_out(number: str, values: set[float]) -> bool:
    """Whether a value, rounded to the digits that are written, is this number."""
    bare = number.replace(",", "").replace("−", "-").lstrip("+-")
    wanted = abs(float(bare))
    mantissa, _, exponent = bare.partition("e") if "e" in bare else bare.partition("E")
    digits = len(mantissa.partition(".")[2])
    step = 10.0 ** (int(exponent or 0) - digits)
    if digits == 0 and not exponent:
        return wanted in values
    return any(abs(value - wanted) <= step / 2 * (1 + 1e-9) for value in values)


def check(text: str) -> Report:
    """Sort the numbers of one Markdown page."""
    meta, body = split(text)
    cited = {str(number) for number in meta.get("cited", {})}
    cited_values = {abs(_value(number)) for number in cited}
    lines = body.splitlines()
    evidence: list[str] = []
    for fence in fences.find(body):
        evidence.append(fence.code)
        for at in range(fence.first - 1, fence.last):
            lines[at] = ""
    # A percentage in the prose is a share in the output.
    values = _values("\n".join(evidence))
    values |= {round(value * 100, 10) for value in values if value <= 1}
    prose = "\n".join(lines)
    for code in re.findall(r"`[^`\n]+`", prose):
        prose = prose.replace(code, " ")
    for pattern in _NOISE:
        prose = pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), prose)
    prose = _SCIENTIFIC.sub(r"\1e\2", prose)
    for pattern in _STRUCTURAL:
        prose = pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), prose)
    report = Report()
    for number, line in enumerate(prose.splitlines(), start=1):
        for written in _NUMBER.findall(line):
            bare = written.rstrip(",.")
            if abs(_value(bare)) in cited_values:
                report.cited.append(bare)
            elif _borne_out(bare, values) or _trivial(bare):
                report.verified.append(bare)
            else:
                report.unverified.append((number, bare, line.strip()))
    return report


def _trivial(number: str) -> bool:
    """Whether the number is 0, 1 or 2: identities and exponents of the mathematics itself."""
    return abs(_value(number)) in {0.0, 1.0, 2.0}
