"""Measure how many changes in the doctor and in the laboratory their tests notice, in a sample.

``drift.py`` leaves both out: TensorFlow does not live through mutmut's forks, and an experiment
takes seconds. Here mutmut writes the changes, and each of a random sample is tried in a process of
its own, against the tests of its room; the pages might notice more. Run as ``python
benchmarks/apart.py doctor --sample 60 --seed 1``: about half a minute a change. What was tried
before is kept; another seed adds to it, until a file changes.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_hooks"))
import census  # noqa: E402

SCORES = ROOT / "benchmarks" / "apart.json"
# For each room its files, and the tests that are to notice a change in them.
ROOMS: dict[str, dict[str, list[str]]] = {
    "doctor": {
        "src/livegrad/doctor/_*.py": ["tests/doctor", "tests/test_doctor.py"],
    },
    "laboratory": {
        "src/livegrad_lab/trial.py": ["tests/lab/test_trial.py"],
        "src/livegrad_lab/sweep.py": ["tests/lab/test_sweep.py"],
        "src/livegrad_lab/stack.py": ["tests/lab/test_stack.py"],
        "src/livegrad_lab/trainability.py": ["tests/lab/test_trainability.py"],
        "src/livegrad_lab/reproduction.py": ["tests/lab/test_papers.py"],
    },
}
COPIED = ["CONTRIBUTING.md", "README.md", "benchmarks", "conftest.py", "docs", "mkdocs.yml"]
COPIED += ["noxfile.py", "pyproject.toml", "requirements.lock", "src", "tests"]
AT_ONCE = 2
LONGEST = 600  # seconds; what takes longer has been noticed


def files(room: str) -> dict[Path, list[str]]:
    """Return the room's files, each with its tests."""
    found = ROOMS[room].items()
    return {path: tests for glob, tests in found for path in sorted(ROOT.glob(glob))}


def module(path: Path) -> str:
    """Return how a file is imported."""
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)


def changes(path: Path) -> tuple[str, dict[str, str]]:
    """Return a file with all its changes, as mutmut writes it, and each change's line."""
    code = mutate_file_contents(str(path), path.read_text(encoding="utf-8")).code
    bodies = {
        node.name: [ast.unparse(line) for line in node.body]
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }
    lines = {}
    for name, body in bodies.items():
        stem, _, number = name.rpartition("__mutmut_")
        if number != "orig":
            first = "\n".join(bodies[f"{stem}__mutmut_orig"]).splitlines()
            pairs = zip(first, "\n".join(body).splitlines(), strict=False)
            lines[name] = next((new.strip() for old, new in pairs if old != new), "signature")
    return code, lines


def noticed(folder: Path, tests: list[str], change: str) -> bool:
    """Return whether a test fails under the change."""
    environment = os.environ | {
        "MUTANT_UNDER_TEST": change,
        "LIVEGRAD_CACHE": "",
        "PYTHONPATH": str(folder / "src"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    quick = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not __mutmut_"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *quick, *tests],
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def measure(room: str, sample: int, seed: int) -> None:
    """Try a sample of the room's changes, and keep after each what was found."""
    own = files(room)
    digests = {module(path): census.module_digest(path) for path in own}
    scores: dict[str, Any] = json.loads(SCORES.read_text("utf-8")) if SCORES.exists() else {}
    row = scores.get(room, {})
    if row.get("digests") != digests:
        row = {"digests": digests, "tried": [], "survived": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        there: list[tuple[str, str, list[str]]] = []
        for path, tests in own.items():
            code, lines = changes(path)
            (folder / path.relative_to(ROOT)).write_text(code, encoding="utf-8")
            there += [(f"{module(path)}.{name}", line, tests) for name, line in lines.items()]
        for tests in {tuple(tests) for tests in own.values()}:
            if noticed(folder, [*tests], "no change"):
                raise SystemExit(f"{' '.join(tests)} fail without a change")
        row["mutants"] = len(there)
        tried = set(row["tried"])
        drawn = random.Random(seed).sample(there, min(sample, len(there)))
        todo = [one for one in drawn if one[0] not in tried]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda one: noticed(folder, one[2], one[0]), todo)
            for (name, line, _), found in zip(todo, answers, strict=True):
                row["tried"].append(name)
                if not found:
                    row["survived"].append([name, line])
                print(f"{'noticed' if found else 'MISSED '} {name}: {line}", flush=True)
                SCORES.write_text(json.dumps(scores | {room: row}, indent=1) + "\n", "utf-8")
    print(f"{room}: {len(row['tried']) - len(row['survived'])} of {len(row['tried'])} noticed")


def main() -> None:
    """Run one room."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    measure(given.room, given.sample, given.seed)


if __name__ == "__main__":
    main()
