"""Find the numbers in docstrings and notebooks that nothing bears out.

The rule starts from "any digit outside code": a number must stand in the code or in what it printed
(rounded as it is written), or be structural (an identifier, a year in a reference, a step number of
a list, and 0, 1 and 2, which mathematics itself writes). On pages each number has a proof of its
own instead (see ``proofs``).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from livegrad_site.read import fences

_NUMBER = re.compile(r"(?<![\w.])[-−+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")
_IDENTIFIER = re.compile(r"(?<=[A-Za-z_])\d+")  # W1, float32, x_2
_FRACTION = re.compile(r"[¼-¾⅐-⅞]")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SCIENTIFIC = re.compile(r"(\d(?:\.\d+)?)\s*\\(?:times|cdot)\s*10\^\{?(-?\d+)\}?")
_STRUCTURAL = [
    re.compile(r"\b(?:1[89]|20)\d\d\b(?! [a-z-]+s\b)"),  # a year, not so many of something
    re.compile(r"^\s*\d+\.\s", re.MULTILINE),  # a list's step
    re.compile(
        r"\b(?:eq|equation|fig|figure|table|section|step|layer)s?\.?\s*"
        r"\(?\d+(?:\.\d+)*\)?(?:(?:, \d+)* and \d+)?",
        re.I,
    ),
    re.compile(r"\bS\d+\b"),  # a statement
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
    """The numbers of one text, by what bears them out."""

    verified: list[str] = field(default_factory=list)
    structural: list[str] = field(default_factory=list)
    unverified: list[tuple[int, str, str]] = field(default_factory=list)


def _values(text: str) -> set[float]:
    text = text.replace("−", "-")
    found = {_value(number) for number in _NUMBER.findall(text)}
    found |= {_value(n) for n in re.findall(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)}
    return {abs(value) for value in found}


def check_source(code: str) -> Report:
    """Sort the numbers of a module's docstrings: its code must bear them out."""
    tree = ast.parse(code)
    texts: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            texts.append(ast.get_docstring(node) or "")
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ...
    prose = "\n".join(texts)
    examples = re.compile(r"^ *>>> .*\n(?:.*\S.*\n?)*", re.MULTILINE)
    evidence = [ast.unparse(tree), *examples.findall(prose)]
    return sort(examples.sub("", prose), evidence)


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


def check_notebook(source: str, executed: str) -> Report:
    """Sort the numbers of a notebook's text, given its executed form as Markdown."""
    import jupytext  # takes a second to load, and no page needs it

    notebook = jupytext.reads(source, fmt="py:percent")
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return sort(prose, [fence.code for fence in fences.find(executed)])


def sort(prose: str, evidence: list[str]) -> Report:
    """Sort the numbers of ``prose`` by what bears them out."""
    # A percentage in the prose is a share in the output.
    values = _values("\n".join(evidence))
    values |= {round(value * 100, 10) for value in values if value <= 1}
    report = Report()

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    def structure(match: re.Match[str]) -> str:
        report.structural.extend(_NUMBER.findall(match[0]))
        return blank(match)

    # A number alone between backticks is a number; anything else between them is code.
    prose = re.sub(r"`([-−]?[\d.,]+)`", r" \1 ", prose)
    prose = re.sub(r"`[^`\n]+`", blank, prose)
    for pattern in _NOISE:
        prose = pattern.sub(blank, prose)
    prose = _SCIENTIFIC.sub(r"\1e\2", prose)
    prose = re.sub(r"[⁰¹²³⁴-⁹⁻]+", lambda match: "^" + match[0].translate(_RAISED), prose)
    for pattern in _STRUCTURAL:
        prose = pattern.sub(structure, prose)
    report.structural.extend(_IDENTIFIER.findall(prose))
    for number, line in enumerate(prose.splitlines(), start=1):
        report.unverified.extend((number, f, line.strip()) for f in _FRACTION.findall(line))
        for written in _NUMBER.findall(line):
            bare = written.rstrip(",.")
            if abs(_value(bare)) in {0.0, 1.0, 2.0}:
                report.structural.append(bare)
            elif _borne_out(bare, values):
                report.verified.append(bare)
            else:
                report.unverified.append((number, bare, line.strip()))
    return report
