"""What was decided, case by case."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from livegrad._svg import INK, Figure, canvas, colour, legend, render
from livegrad.figures import _words as words

# Sign, size and colour of each outcome: a case that is open is no more than a dot.
_MARKS = {"borne out": ("s", 4.6, 2), "contradicted": ("x", 4.6, 1), "open": (".", 2.5, 4)}

# Half a stroke's height in inches, its width in points, and the marker that looks like it.
_STROKES = {
    "borne out": (0.025, 3.6, "s"),
    "contradicted": (0.033, 1.3, "|"),
    "open": (0.01, 1.5, "."),
}
_SHAPES = {"borne out": "blocks", "contradicted": "bars", "open": "dots"}
_SIGNS = {"borne out": "squares", "contradicted": "crosses", "open": "dots"}
_FEW = 12


def verdicts(
    outcomes: Mapping[str, Sequence[str]],
    groups: Sequence[str],
    *,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw one mark a case: a row a claim, and the settings side by side in groups of one size.

    Args:
        outcomes: for each claim one of "borne out", "contradicted" and "open" a setting.
        groups: the groups' names, in the order of the settings.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw, an outcome has another name, or the settings do not
            fill the groups.

    Examples:
        >>> verdicts({"he": ["open", "borne out"]}, ["early", "late"]).caption
        'Of 2 cases 1 borne out (squares), 0 contradicted (crosses), 1 open (dots).'
    """
    words.some(outcomes, "outcomes")
    words.some(groups, "groups")
    for claim, row in outcomes.items():
        if len(row) == 0 or len(row) % len(groups):
            expected = f"one entry or more for each of {len(groups)} groups"
            raise ValueError(f"outcomes[{claim!r}] must have {expected}, got {len(row)}")
        if unknown := sorted(set(row) - set(_MARKS)):
            raise ValueError(f"outcomes must be {', '.join(_MARKS)}, got {unknown[0]!r}")
    rows = list(outcomes.values())
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"outcomes must have one length, got {[len(row) for row in rows]}")
    each = len(rows[0]) // len(groups)
    # A gap of one place between groups.
    places = [at + at // each for at in range(len(rows[0]))]
    with canvas(1.0 + 0.44 * len(rows)) as drawn:
        axes = drawn.add_subplot()
        for name, (sign, size, tint) in _MARKS.items():
            here = [
                (place, at)
                for at, row in enumerate(rows)
                for place, outcome in zip(places, row, strict=True)
                if outcome == name
            ]
            across, down = zip(*here, strict=True) if here else ((), ())
            axes.plot(across, down, sign, markersize=size, color=colour(tint), label=name)
        axes.set(xlim=(-1, places[-1] + 1), ylim=(len(rows) - 0.6, -0.8))
        middles = [at * (each + 1) + (each - 1) / 2 for at in range(len(groups))]
        axes.set_xticks(middles, [name.replace(", ", "\n") for name in groups])
        axes.xaxis.tick_top()
        # Above its row, a claim leaves the whole width to its marks.
        axes.set_yticks([])
        for at, claim in enumerate(outcomes):
            axes.text(-0.5, at - 0.42, claim, va="center", fontweight="bold")
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        legend(drawn)
        flat = [outcome for row in rows for outcome in row]
        said = _counted(flat, _SIGNS)
        by_claim = "; ".join(
            f"{claim}: {row.count('borne out')} borne out, {row.count('contradicted')} contradicted"
            for claim, row in zip(outcomes, map(list, rows), strict=True)
        )
        return render(
            drawn,
            alt
            or f"Marks in {len(groups)} groups of {each} settings, {words.listed(list(groups))}. "
            f"{by_claim}.",
            caption or f"Of {len(flat)} cases {said}.",
        )


def forest(
    cases: Mapping[str, Sequence[tuple[float, float, float, str]]],
    holds: Mapping[str, tuple[float, float]],
    *,
    xlabel: str = "difference of test accuracies",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw the difference of each case with its interval, a row a claim, and where the claim holds.

    The axis is linear up to 0.02 and logarithmic beyond, on both sides. Where there are more than
    a dozen rows, their lines would hide each other, and the intervals are left out.

    Args:
        cases: for each row the cases: difference, the interval's ends, and one of "borne out",
            "contradicted" and "open".
        holds: for each row between which differences what is claimed would hold.
        xlabel: what the differences are.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw, an outcome has another name, a number is not
            finite, or a row does not say where it holds.

    Examples:
        >>> found = forest({"he": [(0.1, 0.05, 0.15, "borne out")]}, {"he": (0.01, 1.0)})
        >>> found.alt
        'Differences with their intervals: he, 1 borne out, 0 contradicted, from 0.1 to 0.1.'
    """
    words.some(cases, "cases")
    for row, found in cases.items():
        words.some(found, f"cases[{row!r}]")
        if unknown := sorted({outcome for *_, outcome in found} - set(_MARKS)):
            raise ValueError(f"outcomes must be {', '.join(_MARKS)}, got {unknown[0]!r}")
        if not np.all(np.isfinite([numbers for *numbers, _ in found])):
            raise ValueError(f"cases[{row!r}] must be finite, got {found!r}")
        if row not in holds:
            raise ValueError(f"holds must have each row, got none for {row!r}")
    flat = [(at, *case) for at, found in enumerate(cases.values()) for case in found]
    ends = [end for _, _, low, high, _ in flat for end in (low, high)]
    reach = max(0.05, 1.1 * max(map(abs, ends)))
    # Few rows have room for each case's interval, many only for where the cases lie.
    most = max(map(len, cases.values()))
    few = len(cases) <= _FEW
    pitch = max(0.45, 0.22 + 0.045 * most) if few else 0.45  # inches a row
    top = 0.22 / pitch - 0.5  # below the row's name
    with canvas(0.9 + pitch * len(cases)) as drawn:
        axes = drawn.add_subplot()
        axes.set_xscale("symlog", linthresh=0.02, linscale=0.7)
        axes.axvline(0, color=INK, linewidth=0.6)
        for at, row in enumerate(cases):
            low, high = np.clip(holds[row], -reach, reach)
            axes.fill_between([low, high], at + top, at + 0.47, color=colour(2), alpha=0.13, lw=0)
            title = axes.text(-reach, at + top - 0.1 / pitch, row, va="center", fontweight="bold")
            title.set_in_layout(False)  # else a long one would narrow the axes
        heights = [
            at + top + (0.47 - top) * (k + 0.5) / len(found)
            for at, found in enumerate(cases.values())
            for k in range(len(found))
        ]
        for name, (_, _, tint) in _MARKS.items():
            here = [k for k, case in enumerate(flat) if case[-1] == name]
            if few:  # one path for all lines of a kind, with a gap behind each
                lows = np.ravel([[*flat[k][2:4], math.nan] for k in here])
                levels = np.ravel([[heights[k]] * 2 + [math.nan] for k in here])
                axes.plot(lows, levels, color=colour(tint), linewidth=0.7)
            # A stroke a mark, all in one path: thousands of markers would be a heavy page.
            height, wide, sign = _STROKES[name]
            half = height / pitch
            across = np.ravel([[flat[k][1]] * 2 + [math.nan] for k in here])
            down = np.ravel([[heights[k] - half, heights[k] + half, math.nan] for k in here])
            axes.plot(across, down, color=colour(tint), linewidth=wide, solid_capstyle="butt")
            axes.plot([], [], sign, markersize=5, color=colour(tint), label=name)
        marks = [mark for mark in (0.02, 0.1, 0.5) if mark < reach]
        axes.set_xticks([*(-mark for mark in reversed(marks)), 0, *marks])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
        axes.set(xlabel=xlabel, xlim=(-reach, reach), ylim=(len(cases) - 0.45, -0.55))
        axes.set_yticks([])
        axes.spines[["left", "right", "top"]].set_visible(False)
        legend(drawn)
        said = "; ".join(
            f"{row}, {sum(case[-1] == 'borne out' for case in found)} borne out, "
            f"{sum(case[-1] == 'contradicted' for case in found)} contradicted, "
            f"from {min(case[0] for case in found):.2g} to {max(case[0] for case in found):.2g}"
            for row, found in cases.items()
        )
        return render(
            drawn,
            alt or f"Differences{' with their intervals' if few else ''}: {said}.",
            caption
            or f"Of {len(flat)} cases {_counted([case[-1] for case in flat], _SHAPES)}; the shade "
            "is where the claim holds.",
        )


def _counted(outcomes: list[str], signs: Mapping[str, str]) -> str:
    return ", ".join(f"{outcomes.count(name)} {name} ({signs[name]})" for name in signs)
