"""What was decided, case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livegrad._svg import Figure, canvas, colour, legend, render
from livegrad.figures import _words as words

# Sign, size and colour of each outcome: a case that is open is no more than a dot.
_MARKS = {"borne out": ("s", 4.6, 2), "contradicted": ("x", 4.6, 1), "open": (".", 2.5, 4)}


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
        signs = {"borne out": "squares", "contradicted": "crosses", "open": "dots"}
        said = ", ".join(f"{flat.count(name)} {name} ({signs[name]})" for name in signs)
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
