"""Measure how many changes in the doctor and in the laboratory their tests notice, in a sample.

``drift.py`` leaves both out: TensorFlow does not live through mutmut's forks, and an experiment
takes seconds. Here mutmut writes the changes, and each of a random sample is tried against the
tests of its room, two at once, each in an interpreter that lives on; the pages might notice more.
Run as ``python benchmarks/apart.py doctor --sample 150 --seed 1``: about five seconds a change.
What was noticed before is kept and what was missed is tried again; another seed adds to it, until a
file changes.
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
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from mutmut.mutation.file_mutation import mutate_file_contents

from livegrad_site.check import census

ROOT = Path(__file__).resolve().parents[1]

SCORES = ROOT / "benchmarks" / "apart.json"
# For each room its files, and the tests that are to notice a change in them.
ROOMS: dict[str, dict[str, list[str]]] = {
    "doctor": {
        "src/livegrad/doctor/_*.py": ["tests/doctor", "tests/test_doctor.py"],
    },
    "laboratory": {
        "src/livegrad_lab/chance.py": ["tests/lab/test_chance.py"],
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


class Interpreter:
    """An interpreter that tries one change after another, and is begun anew after one that hangs.

    TensorFlow takes ten seconds to be imported, and most changes are noticed in less.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder in which the changed files lie."""
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def noticed(self, tests: list[str], change: str) -> bool:
        """Return whether a test fails under the change."""
        if self.process is None:
            environment = os.environ | {
                "LIVEGRAD_CACHE": "",
                "PYTHONPATH": str(self.folder / "src"),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            }
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), "--inside"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        late = threading.Timer(LONGEST, self.process.kill)
        late.start()
        self.process.stdin.write(json.dumps([change, tests]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        late.cancel()
        if not answer:
            self.end()
        return answer != "0\n"

    def end(self) -> None:
        """Stop the interpreter; the next change begins another."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def inside() -> None:
    """Answer each line of changes and tests with what pytest returns, inside an interpreter."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    quick = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not __mutmut_"]
    for line in sys.stdin:
        os.environ["MUTANT_UNDER_TEST"], tests = json.loads(line)
        # Tests are imported anew: some hold what can be read only once.
        for name in [name for name in sys.modules if name.rpartition(".")[2].startswith("test_")]:
            del sys.modules[name]
        print(int(pytest.main([*quick, *tests])), file=answers, flush=True)


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
        interpreters = [Interpreter(folder) for _ in range(AT_ONCE)]
        free: Queue[Interpreter] = Queue()
        for interpreter in interpreters:
            free.put(interpreter)

        def noticed(tests: list[str], change: str) -> bool:
            taken = free.get()
            try:
                return taken.noticed(tests, change)
            finally:
                free.put(taken)

        for tests in {tuple(tests) for tests in own.values()}:
            if noticed([*tests], "no change"):
                raise SystemExit(f"{' '.join(tests)} fail without a change")
        row["mutants"] = len(there)
        # What was missed is tried again: a test may have been written for it.
        again = {name for name, _ in row["survived"]}
        done = set(row["tried"]) - again
        drawn = random.Random(seed).sample(there, min(sample, len(there)))
        todo = [one for one in there if one[0] in again]
        todo += [one for one in drawn if one[0] not in done | again]
        row["survived"] = [[name, line] for name, line, _ in todo if name in again]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda one: noticed(one[2], one[0]), todo)
            for (name, line, _), found in zip(todo, answers, strict=True):
                row["tried"] = sorted({*row["tried"], name})
                row["survived"] = [kept for kept in row["survived"] if kept[0] != name]
                if not found:
                    row["survived"].append([name, line])
                print(f"{'noticed' if found else 'MISSED '} {name}: {line}", flush=True)
                SCORES.write_text(json.dumps(scores | {room: row}, indent=1) + "\n", "utf-8")
        for interpreter in interpreters:
            # What a change left behind would be taken for a change that was noticed.
            for tests in {tuple(tests) for tests in own.values()}:
                if interpreter.noticed([*tests], "no change"):
                    raise SystemExit(f"{' '.join(tests)} fail after the last change")
            interpreter.end()
    print(f"{room}: {len(row['tried']) - len(row['survived'])} of {len(row['tried'])} noticed")


def main() -> None:
    """Run one room, or answer inside an interpreter of its own."""
    if sys.argv[1:] == ["--inside"]:
        inside()
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    measure(given.room, given.sample, given.seed)


if __name__ == "__main__":
    main()
