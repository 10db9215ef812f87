"""Fill the page "Why you can trust this site" with what was counted and measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

from livegrad_lab import kept
from livegrad_site.check import census, perturb, predictions, proofs
from livegrad_site.read import fences, prose_numbers, sentences
from livegrad_site.read.prose_numbers import Report
from livegrad_site.run import cache, later, notebooks

PAGE = "reference/trust.md"
COUNTS, KEPT, PROOFS, WORDS, NUMBERS, DRIFT, APART, SURVIVORS = (
    f"<!--livegrad:trust {part}-->"
    for part in ("counts", "kept", "proofs", "words", "numbers", "drift", "apart", "survivors")
)
# The changes that the page shows are drawn anew from each.
SEEDS = (1, 2)
# The files of benchmarks/ that the page reads.
SCORES = ("drift", "equivalent", "apart", "apart_equivalent")


SUITES = {
    "documentation": "the pages alone, without one unit test",
    "whole": "the pages and the tests",
}


def table(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as a Markdown table, the first row its head."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def counts(found: dict[str, int]) -> str:
    """Return the table of what is run and compared."""
    return table([["what", "how many"], *([name, count] for name, count in found.items())])


def records(root: Path) -> str:
    """Return the table of the results that are kept in the repository."""
    rows: list[Sequence[Any]] = [
        ["experiment", "runs", "seconds of one core", "all run on", "with"]
    ]
    for path in census.records(root):
        found = kept.read(path)
        name = path.stem.removeprefix("livegrad_lab.")
        numpy = next(one for one in found.versions if one.startswith("numpy "))
        with_what = numpy.replace("numpy", "NumPy")
        rows.append([f"`{name}`", len(found.runs), f"{found.seconds:.0f}", found.on, with_what])
    return table(rows)


def numbers(reports: dict[str, Report]) -> str:
    """Return the table of the numbers in sentences, tables and captions."""
    kinds = {
        "found again in the page's code or output": "verified",
        "structural: a name, a year, a step, an exponent": "structural",
        "borne out by nothing": "unverified",
    }
    sizes = {
        words: sum(len(getattr(report, kind)) for report in reports.values())
        for words, kind in kinds.items()
    }
    rows: list[Sequence[Any]] = [
        ["numbers", "how many"],
        *([words, size] for words, size in sizes.items()),
    ]
    return table([*rows, ["all", sum(sizes.values())]])


def words(scores: dict[int, dict[str, perturb.Score]]) -> str:
    """Return the table of what was noticed of changes in the sentences, a line a seed and kind."""
    rows: list[list[Any]] = [["what was changed", "seed", "how many", "by values", "or by locks"]]
    for seed, found in scores.items():
        for kind, one in found.items():
            shares = [percent(count, one.tried) for count in (one.by_values, one.by_any)]
            rows.append(
                [kind, seed, one.tried, *(s.replace(" ", "\N{NO-BREAK SPACE}") for s in shares)]
            )
    return table(rows)


def percent(noticed: int, tried: int) -> str:
    """Return the share, rounded down: all is said of all alone."""
    return f"{noticed * 1000 // tried / 10:.1f} %" if tried else "none tried"


@dataclass(frozen=True)
class Score:
    """What a suite made of the changes in one module."""

    noticed: int
    missed: list[tuple[str, str]]
    same: int


def score(row: dict[str, Any], equivalent: list[dict[str, str]]) -> Score:
    """Return a measured row as counts; of the survivors, some change nothing."""
    reasons = {(entry["in"], entry["line"]) for entry in equivalent}
    survived = [(function, line) for _, function, line in row["survived"]]
    missed = [entry for entry in survived if entry not in reasons]
    return Score(row["tried"] - len(survived), missed, len(survived) - len(missed))


def drift(
    scores: dict[str, dict[str, Any]], equivalent: list[dict[str, str]], digests: dict[str, str]
) -> str:
    """Return what the pages alone, and the whole suite, noticed of the changes, by module."""
    names = sorted({name for rows in scores.values() for name in rows})
    table_rows: list[list[Any]] = [["module", *scores]]
    for name in names:
        cells: list[Any] = [f"`{name}`"]
        for rows in scores.values():
            one = score(rows.get(name, {"tried": 0, "survived": []}), equivalent)
            tried = one.noticed + len(one.missed)
            # On a phone the line breaks after the count and nowhere else.
            share = percent(one.noticed, tried).replace(" ", "\N{NO-BREAK SPACE}")
            cells.append(f"{one.noticed}/{tried}, {share}")
        table_rows.append(cells)
    parts = [table(table_rows)]
    for suite, rows in scores.items():
        all_of_it = [score(row, equivalent) for row in rows.values()]
        noticed = sum(one.noticed for one in all_of_it)
        tried = noticed + sum(len(one.missed) for one in all_of_it)
        same = sum(one.same for one in all_of_it)
        there = sum(row["mutants"] for row in rows.values())
        said = f"**{suite.capitalize()}** ({SUITES[suite]}): {noticed} of {tried} changes noticed, "
        said += f"{percent(noticed, tried)}; {same} more are held to change nothing."
        if tried + same < there:
            from scipy.stats import binomtest  # takes a second to load

            low, high = binomtest(noticed, tried).proportion_ci(0.95, "wilson")
            said += f" Tried were {tried + same} of {there}: had they been drawn at random, the "
            said += f"share of all would lie between {low:.1%} and {high:.1%} with 95 % confidence."
        changed = [f"`{name}`" for name, row in rows.items() if row["digest"] != digests[name]]
        if changed:
            said += f" Changed since it was measured: {', '.join(changed)}."
        parts.append(said)
    return "\n\n".join(parts)


def survivors(scores: dict[str, dict[str, Any]], equivalent: list[dict[str, str]]) -> str:
    """Return what was not noticed, and what is held to change nothing, with the reason."""
    parts = []
    for suite, measured in scores.items():
        rows = [["function", "the changed line"]]
        for row in measured.values():
            missed = score(row, equivalent).missed
            rows += [[f"`{name}`", f"`{_cell(line)}`"] for name, line in missed]
        if len(rows) > 1:
            parts.append(f"Not noticed by the {suite}:\n\n{table(rows)}")
    rows = [["function", "the changed line", "why nothing changes"]]
    rows += [[f"`{row['in']}`", f"`{_cell(row['line'])}`", row["why"]] for row in equivalent]
    parts.append(f"Held to change nothing:\n\n{table(rows)}")
    return "\n\n".join(parts)


def apart(
    rooms: dict[str, dict[str, Any]], equivalent: list[dict[str, str]], root: Path = cache.ROOT
) -> str:
    """Return what the tests noticed of a sample of the changes in the doctor and the laboratory."""
    reasons = {(entry["in"], entry["line"]) for entry in equivalent}
    rows: list[list[Any]] = [["room", "changes", "drawn", "change nothing", "noticed", "share"]]
    missed: list[list[Any]] = [["function", "the changed line"]]
    changed = []
    for room, row in rooms.items():
        survived = [(name.partition("__mutmut_")[0], line) for name, line in row["survived"]]
        own = [entry for entry in survived if entry not in reasons]
        same, tried = len(survived) - len(own), len(row["tried"])
        noticed = tried - len(survived)
        share = percent(noticed, noticed + len(own))
        rows.append([room, row["mutants"], tried, same, noticed, share])
        missed += [[f"`{name}`", f"`{_cell(line)}`"] for name, line in own]
        sources = {name: root / "src" / f"{name.replace('.', '/')}.py" for name in row["digests"]}
        old = [
            name for name in sources if census.module_digest(sources[name]) != row["digests"][name]
        ]
        changed += [f"`{name}`" for name in old]
    parts = [table(rows)]
    if len(missed) > 1:
        parts.append(f"Of these drawn, not noticed:\n\n{table(missed)}")
    if changed:
        parts.append(f"Changed since it was measured: {', '.join(changed)}.")
    return "\n\n".join(parts)


def _cell(line: str) -> str:
    short = line if len(line) <= 90 else line[:87] + "..."
    return short.replace("|", "\\|")


def module_digests(root: Path = cache.ROOT) -> dict[str, str]:
    """Return the digest of each module that the score is of."""
    return {name: census.module_digest(path) for name, path in census.rooms(root).items()}


def filled(markdown: str, root: Path = cache.ROOT) -> str:
    """Return the page with its marks replaced."""
    scores, equivalent, rooms, unseen = (
        json.loads((root / "benchmarks" / f"{name}.json").read_text("utf-8")) for name in SCORES
    )
    parts: dict[str, Callable[[], str]] = {
        COUNTS: lambda: counts(census.counts(root)),
        KEPT: lambda: records(root),
        PROOFS: lambda: table([["what proves it", "sentences"], *census.proven(root).items()]),
        WORDS: lambda: words({seed: perturb.measure(seed) for seed in SEEDS}),
        APART: lambda: apart(rooms, unseen, root),
        DRIFT: lambda: drift(scores, equivalent, module_digests(root)),
        SURVIVORS: lambda: survivors(scores, equivalent),
        NUMBERS: lambda: numbers(census.numbers(root)),  # the notebooks run for it
    }
    for mark, part in parts.items():
        if mark not in markdown:
            raise ValueError(f"the page has no mark {mark}")
        lead = markdown.split(mark)[0].rpartition("\n")[2]
        markdown = markdown.replace(mark, part().replace("\n", "\n" + lead))
    return markdown


def counted(root: Path = cache.ROOT) -> list[str]:
    """Return all that the page is about and the package's code is not: pages, counts, scores."""
    modules = (census, fences, notebooks, perturb, predictions, prose_numbers, proofs, sentences)
    own = [Path(str(module.__file__)) for module in modules]
    scores = [root / "benchmarks" / f"{name}.json" for name in SCORES]
    about = [*fences.pages(root), *census.notebook_sources(root), *scores, *own]
    about += census.records(root)
    return [path.read_text(encoding="utf-8") for path in [*about, *cache.sources(root)]]


def in_markdown(markdown: str, page: Page) -> str:
    """Fill the one page that speaks of all others."""
    if page.file.src_uri != PAGE or later.waits(page.file.abs_src_path, page.file.content_string):
        return markdown
    run = [path.read_text(encoding="utf-8") for path in census.notebook_sources()]
    return cache.kept("trust.md", lambda: filled(markdown).encode(), *counted(), code=run).decode()
