"""Measure how many changed digits, signs and comparisons of the prose are noticed.

Run as ``python benchmarks/words.py --seed 3``, some seconds; the trust page shows two seeds.
"""

from __future__ import annotations

import argparse

from livegrad_site.check import perturb


def main() -> None:
    """Print a line a kind of change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turned", type=int, default=100, help="how many sentences to turn round")
    given = parser.parse_args()
    print(f"seed {given.seed}: changed             tried  by values        by values or locks")
    for name, score in perturb.measure(given.seed, given.turned).items():
        shares = [count / max(score.tried, 1) for count in (score.by_values, score.by_any)]
        print(
            f"{name:27} {score.tried:5}  {score.by_values:5} {shares[0]:7.1%}   "
            f"{score.by_any:5} {shares[1]:7.1%}"
        )


if __name__ == "__main__":
    main()
