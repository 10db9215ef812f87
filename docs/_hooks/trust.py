"""Fill the page "Why you can trust this site" with what was counted and measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

import cache
import census
from prose_numbers import Report

PAGE = "reference/trust.md"
COUNTS, NUMBERS, DRIFT, SURVIVORS = (
    f"<!--livegrad:trust {part}-->" for part in ("counts", "numbers", "drift", "survivors")
)


SUITES = {
    "documentation": "the pages alone, without one unit test",
    "whole": "the pages and the tests",
}


def table(rows: list[list[Any]]) -> str:
    """Return rows as a Markdown table, the first row its head."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def counts(found: dict[str, int]) -> str:
    """Return the table of what is run and compared."""
    return table([["what", "how many"], *([name, count] for name, count in found.items())])


def numbers(reports: dict[str, Report]) -> str:
    """Return the table of the numbers in sentences, tables and captions."""
    kinds = {
        "found again in the page's code or output": "verified",
        "cited from a named source": "cited",
        "structural: a name, a year, a step, an exponent": "structural",
        "borne out by nothing": "unverified",
    }
    sizes = {
        words: sum(len(getattr(report, kind)) for report in reports.values())
        for words, kind in kinds.items()
    }
    rows = [["numbers", "how many"], *([words, size] for words, size in sizes.items())]
    return table([*rows, ["all", sum(sizes.values())]])


def percent(noticed: int, tried: int) -> str:
    """Return the share, rounded down: all is said of all alone."""
    return f"{noticed * 1000 // tried / 10:.1f} %" if tried else "none tried"


def drift(scores: dict[str, Any], digest: str) -> str:
    """Return what the pages alone, and the whole suite, noticed of the changes, by module."""
    modules = sorted({name for score in scores.values() for name in score["modules"]})
    parts = []
    rows = [["module", *scores]]
    for name in modules:
        row: list[Any] = [f"`{name}`"]
        for score in scores.values():
            found = score["modules"].get(name, {"noticed": 0, "missed": 0})
            tried = found["noticed"] + found["missed"]
            row.append(f"{found['noticed']} of {tried}, {percent(found['noticed'], tried)}")
        rows.append(row)
    parts.append(table(rows))
    for suite, score in scores.items():
        noticed, missed, same = (
            sum(found[kind] for found in score["modules"].values())
            for kind in ("noticed", "missed", "same")
        )
        tried = noticed + missed
        said = f"**{suite.capitalize()}** ({SUITES[suite]}): {noticed} of {tried} changes noticed, "
        said += f"{percent(noticed, tried)}; {same} more change nothing that anyone could notice."
        if tried + same < score["mutants"]:
            low, high = binomtest(noticed, tried).proportion_ci(0.95, "wilson")
            said += f" They are drawn at random from {score['mutants']}; with 95 % confidence the "
            said += f"share of all lies between {low:.1%} and {high:.1%}."
        since = "has not changed" if score["package"] == digest else "has changed"
        parts.append(f"{said} The package {since} since.")
    return "\n\n".join(parts)


def survivors(scores: dict[str, Any], equivalent: list[dict[str, str]]) -> str:
    """Return what was not noticed, and what is held to change nothing, with the reason."""
    parts = []
    for suite, score in scores.items():
        rows = [["function", "the changed line"]]
        rows += [[f"`{name}`", f"`{_cell(line)}`"] for name, line in score["survivors"]]
        if len(rows) > 1:
            parts.append(f"Not noticed by the {suite}:\n\n{table(rows)}")
    rows = [["function", "the changed line", "why nothing changes"]]
    rows += [[f"`{row['in']}`", f"`{_cell(row['line'])}`", row["why"]] for row in equivalent]
    parts.append(f"Changes that change nothing:\n\n{table(rows)}")
    return "\n\n".join(parts)


def _cell(line: str) -> str:
    short = line if len(line) <= 90 else line[:87] + "..."
    return short.replace("|", "\\|")


def filled(markdown: str, root: Path = cache.ROOT) -> str:
    """Return the page with its marks replaced."""
    scores = json.loads((root / "benchmarks" / "drift.json").read_text("utf-8"))
    equivalent = json.loads((root / "benchmarks" / "equivalent.json").read_text("utf-8"))
    parts: dict[str, Callable[[], str]] = {
        COUNTS: lambda: counts(census.counts(root)),
        DRIFT: lambda: drift(scores, census.package_digest(root)),
        SURVIVORS: lambda: survivors(scores, equivalent),
        NUMBERS: lambda: numbers(census.numbers(root)),  # the notebooks run for it
    }
    for mark, part in parts.items():
        if mark not in markdown:
            raise ValueError(f"the page has no mark {mark}")
        lead = markdown.split(mark)[0].rpartition("\n")[2]
        markdown = markdown.replace(mark, part().replace("\n", "\n" + lead))
    return markdown


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs event: fill the one page that speaks of all others."""
    return filled(markdown) if page.file.src_uri == PAGE else markdown
