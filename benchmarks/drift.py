"""Measure how much of a change in the package the pages notice: the drift score.

mutmut changes ``src/livegrad`` in thousands of small ways, one at a time. The documentation alone
(the pages' blocks, without ``tests/``), or the whole suite, then tries to notice. What it cannot
see is the code outside of functions; the drills in ``tests/docs/test_drills.py`` see to that.

Chosen over cosmic-ray, which has more mutants (7263 against 4642, many of them the same change
spelled eleven ways), runs every test for each of them, and starts a process for each: mutmut
forks, and runs only the tests that reach the changed function.

Run as ``nox -s drift -- documentation``, an hour or two on two cores; ``--only
"livegrad.signals.*"`` measures a module anew and keeps what is known of the others, ``--survivors``
tries again what the pages missed at last, ``--sample 400`` takes so many mutants at random.
``nox -s drift -- whole`` tries, with the tests as well, what the pages missed: what they notice,
the whole suite notices too.
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
from pathlib import Path
from typing import Any

from livegrad_site.check import census
from livegrad_site.show import trust

ROOT = Path(__file__).resolve().parents[1]

SCORES = ROOT / "benchmarks" / "drift.json"
EQUIVALENT = ROOT / "benchmarks" / "equivalent.json"
# The examples of docstrings stand on the API pages: they are documentation.
SUITES = {
    "documentation": ["src", "docs", "README.md"],
    "whole": ["src", "tests", "docs", "README.md"],
}
# A survivor costs the time of every test that reaches it, so the slow ones are left out, and
# TensorFlow's threads do not live through a fork: the score is a lower bound.
SLOWEST = 0.5  # seconds
ASIDE = ["tests/site", "tests/lab", "tests/test_doctor.py", "docs/experiments"]
# These look at the scores, at the build and at what is published, not at the package.
ASIDE += [f"tests/docs/test_{what}.py" for what in ("trust", "release", "checked")]
ASIDE += ["tests/docs/test_published_if_tested.py"]
# TensorFlow again, and experiments of seconds: what stands there has records with a rule or a
# number of its own, and tests that plant faults.
APART = ["src/livegrad/doctor/*", "src/livegrad_lab/*", "src/livegrad/__main__.py"]
APART += ["src/livegrad_site/*"]
# mutmut writes a function's docstring into each of its mutants: once is enough.
FAST = ["-m", "not tensorflow", "-k", "not __mutmut_"]
COPIED = [".ci", "CONTRIBUTING.md", "LICENSE", "LICENSE-TEXT", "README.md", "benchmarks"]
COPIED += ["conftest.py", "docs", "mkdocs.yml", "noxfile.py", "pyproject.toml"]
COPIED += ["requirements.lock", "src", "tests"]
# A result that was kept would hide the change: the digest of the sources is that of all changes.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "CI": "", "LIVEGRAD_CACHE": ""}


# tqdm's lock is shared by all forks: one that is killed under a bar would block the others.
MUTMUT = """
import os, threading
from mutmut.__main__ import cli
from tqdm import tqdm
os.register_at_fork(after_in_child=lambda: tqdm.set_lock(threading.RLock()))
cli()
"""

# Seconds of the processor, not of the clock: what a busy machine leaves out is the same.
TIMED = """
import json, os, sys, pytest
took = {}
class Timed:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        before = sum(os.times()[:4])
        result = yield
        took[item.nodeid] = sum(os.times()[:4]) - before
        return result
status = pytest.main(sys.argv[2:], plugins=[Timed()])
with open(sys.argv[1], "w") as file:
    json.dump(took, file)
sys.exit(status)
"""


def chosen(suite: list[str]) -> list[str]:
    """Return pytest's words for the suite: all but what needs the built site, and what is slow."""
    return [*suite, *(f"--ignore={path}" for path in ASIDE)]


def slow_tests(folder: Path, suite: list[str]) -> list[str]:
    """Return the tests of the suite that take too long to be repeated thousands of times."""
    times = folder / "times.json"
    done = subprocess.run(
        [sys.executable, "-c", TIMED, str(times), *chosen(suite), *FAST, "-q"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | QUIET,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    took = json.loads(times.read_text("utf-8"))
    return sorted(name for name, seconds in took.items() if seconds > SLOWEST)


def configured(folder: Path, suite: list[str], slow: list[str]) -> None:
    """Add mutmut's settings to the copy's pyproject.toml."""
    left_out = [f"--deselect={name}" for name in slow]
    settings = {
        "source_paths": ["src"],
        "do_not_mutate": APART,
        "also_copy": [name for name in COPIED if name != "src"],
        "pytest_add_cli_args_test_selection": [*chosen(suite), *left_out],
        "pytest_add_cli_args": FAST,
        # Out of time means noticed, so only what never ends may run out of it.
        "timeout_multiplier": 10.0,
        "timeout_constant": 60.0,
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def mutants(folder: Path) -> dict[str, tuple[str, str]]:
    """Return for each mutant its function and the changed line, from mutmut's own writing."""
    found: dict[str, tuple[str, str]] = {}
    top = folder / "mutants" / "src"
    rooms = census.rooms(folder / "mutants")
    files = [
        (room, path)
        for room, place in rooms.items()
        for path in (sorted(place.glob("*.py")) if place.is_dir() else [place])
    ]
    for room, path in files:
        module = ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        bodies = {}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
                bodies[node.name] = [ast.unparse(line) for line in node.body]
        for name, body in bodies.items():
            stem, _, number = name.rpartition("__mutmut_")
            if number == "orig":
                continue
            original = "\n".join(bodies[f"{stem}__mutmut_orig"]).splitlines()
            changed = "\n".join(body).splitlines()
            # An argument's default may be what was changed: then no line of the body is.
            pairs = zip(original, changed, strict=False)
            line = next((new for old, new in pairs if old != new), "signature")
            function = stem.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
            found[f"{module}.{name}"] = (f"{room}.{function}", line.strip())
    return found


def results(folder: Path) -> dict[str, int]:
    """Return the exit code of the tests for each mutant that was tried: 0 for a survivor."""
    found: dict[str, int | None] = {}
    for path in (folder / "mutants" / "src" / "livegrad").rglob("*.meta"):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return {name: code for name, code in found.items() if code is not None}


def attack(folder: Path, suite: list[str], names: list[str], sample: int | None) -> None:
    """Copy the project into the folder and let the suite try to notice the mutants there."""
    folder.mkdir(exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    slow = slow_tests(folder, suite)
    print(f"left out as slow: {len(slow)} tests", flush=True)
    configured(folder, suite, slow)
    mutmut = [sys.executable, "-c", MUTMUT, "run"]
    with (folder / "mutmut.log").open("w") as log:
        if sample:
            # One mutant makes mutmut write all; only then can a sample be drawn.
            names = ["livegrad.dropout.x_dropout__mutmut_1"]
        for at in range(1 + bool(sample)):
            if at:
                names = random.Random(0).sample(sorted(mutants(folder)), sample)
            subprocess.run(
                [*mutmut, *names],
                cwd=folder,
                check=True,
                stdout=log,
                stderr=log,
                env=os.environ | QUIET,
            )


def tally(folder: Path) -> dict[str, dict[str, Any]]:
    """Return for each module how many mutants there are, were tried, and survived."""
    described = mutants(folder)
    tried = results(folder)
    counted: dict[str, dict[str, Any]] = {}
    for name, (function, line) in described.items():
        module = function.partition(".")[0]
        row = counted.setdefault(
            module,
            {
                "digest": census.module_digest(census.rooms(folder)[module]),
                "mutants": 0,
                "tried": 0,
                "survived": [],
            },
        )
        row["mutants"] += 1
        row["tried"] += name in tried
        if tried.get(name) in {0, 33}:  # 33: no test of the suite reaches the function
            row["survived"].append([name, function, line])
    return {module: row for module, row in counted.items() if row["tried"]}


def merged(
    before: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]], survivors: bool
) -> dict[str, dict[str, Any]]:
    """Return the modules' rows: measured anew, or with the survivors that were noticed now."""
    if not survivors:
        return before | found
    rows = {}
    for module, old in before.items():
        if not old["survived"]:
            rows[module] = old
            continue
        new = found[module]
        if old["digest"] != new["digest"]:
            raise SystemExit(f"{module} has changed since: measure it with --only first")
        missed = {name for name, *_ in new["survived"]}
        rows[module] = old | {"survived": [row for row in old["survived"] if row[0] in missed]}
    return rows


def main() -> None:
    """Run one suite against the mutants, print the survivors and keep the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--sample", type=int, help="try so many mutants, drawn at random")
    parser.add_argument(
        "--only", nargs="+", default=["livegrad.*"], help="mutants by name, as mutmut has it"
    )
    parser.add_argument("--survivors", action="store_true", help="only those missed at last")
    parser.add_argument("--keep", type=Path, help="work here; a finished run is counted anew")
    options = parser.parse_args()
    scores = json.loads(SCORES.read_text("utf-8")) if SCORES.exists() else {}
    survivors = options.survivors or options.suite == "whole"
    before = scores.get("documentation", {}) if survivors else scores.get(options.suite, {})

    names = options.only
    if survivors:
        names = [name for row in before.values() for name, *_ in row["survived"]]
    folder = options.keep or Path(tempfile.mkdtemp())
    if not (folder / "mutants").exists():
        attack(folder, SUITES[options.suite], names, options.sample)
    scores[options.suite] = dict(sorted(merged(before, tally(folder), survivors).items()))
    SCORES.write_text(json.dumps(scores, indent=1) + "\n", "utf-8")

    equivalent = json.loads(EQUIVALENT.read_text("utf-8"))
    for module, row in scores[options.suite].items():
        score = trust.score(row, equivalent)
        for function, line in score.missed:
            print(f"not noticed: {function}: {line}")
        print(f"{module}: {score.noticed} of {score.noticed + len(score.missed)} noticed")
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
