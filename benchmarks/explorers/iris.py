"""Write docs/assets/explorers/iris.js: the petals of two of scikit-learn's irises, for explorers.

Run it after a change: ``python benchmarks/explorers/iris.py``. A test compares the file.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "docs" / "assets" / "explorers" / "iris.js"


def module() -> str:
    """Return the file's text."""
    from sklearn.datasets import load_iris

    x, _ = load_iris(return_X_y=True)  # (150, 4), fifty flowers a kind
    petals = [f"  {length}, {width}," for length, width in x[50:, 2:].tolist()]
    return "\n".join(
        [
            "/**",
            " * Petal length and width in cm: 50 Iris versicolor, 50 Iris virginica, row by row,",
            " * of Fisher 1936, as in scikit-learn. Written by `benchmarks/explorers/iris.py`.",
            " */",
            "export const PETALS = Float64Array.of(",
            *petals,
            ");",
            "",
        ]
    )


if __name__ == "__main__":
    DATA.write_text(module(), encoding="utf-8")
