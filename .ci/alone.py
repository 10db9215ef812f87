"""Try a built wheel or sdist: run by the Python of an environment that has nothing else.

Needs the standard library alone, and prints what is wrong.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import metadata, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("livegrad", "livegrad_lab")
READ = [*(f"{room}/py.typed" for room in ROOMS), "livegrad/doctor/schema.json"]
LICENCES = ["LICENSE", "LICENSE-TEXT"]
WHEEL = ["livegrad/*.py", "livegrad_lab/*.py", "*/py.typed", "livegrad-*.dist-info/*"]
WHEEL += ["livegrad/doctor/schema.json"]
SDIST = [
    "src/livegrad/*.py",
    "src/livegrad_lab/*.py",
    "src/*/py.typed",
    "src/livegrad/doctor/schema.json",
    "pyproject.toml",
    "PKG-INFO",
    ".gitignore",
    "README.md",
    "CHANGELOG.md",
    *LICENCES,
]
FIELDS = ["Name", "Version", "Summary", "Author", "License-Expression", "License-File", "Keywords"]
FIELDS += ["Classifier", "Requires-Python", "Requires-Dist", "Provides-Extra", "Description"]
OUTPUT = "<!--pytest-codeblocks:expected-output-->"


def members(artifact: Path) -> list[str]:
    """Return the files of a wheel or an sdist, an sdist's without its one folder."""
    if artifact.suffix == ".whl":
        return zipfile.ZipFile(artifact).namelist()
    with tarfile.open(artifact) as packed:
        files = [member.name for member in packed.getmembers() if member.isfile()]
    return [name.partition("/")[2] for name in files]


def amiss(names: list[str], modules: list[str], wheel: bool) -> list[str]:
    """Return what is in the artifact and should not be, and what is not and should."""
    patterns = WHEEL if wheel else SDIST
    start = "" if wheel else "src/"
    wanted = {start + name for name in [*modules, *READ]}
    found = [f"{name} is of no use" for name in names if not _any(name, patterns)]
    licences = {name.rpartition("/")[2] for name in names}
    return [
        *found,
        *(f"{name} is missing" for name in sorted(wanted - set(names))),
        *(f"{name} is missing" for name in LICENCES if name not in licences),
    ]


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def example(readme: str) -> tuple[str, str]:
    """Return the README's example and what it must print."""
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    output = re.search(re.escape(OUTPUT) + r"\n```text\n(.*?)```", readme, re.DOTALL)
    if not code or not output:
        raise ValueError("README.md has no example with its output")
    return code[1], output[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this environment's Python, deaf to the user's own packages and variables."""
    return subprocess.run([sys.executable, "-I", *arguments], capture_output=True, text=True)


def behaviour(folder: Path) -> list[str]:
    """Return what of the installed package does not work, or works without what it needs."""
    wrong = []
    code, output = example((ROOT / "README.md").read_text(encoding="utf-8"))
    printed = run("-c", code)
    if printed.stdout != output:
        wrong.append(f"README's example: {printed.stdout}{printed.stderr}")
    where = run("-c", "import livegrad; print(livegrad.__file__, livegrad.__version__)").stdout
    if "site-packages" not in where or version("livegrad") not in where:
        wrong.append(f"livegrad comes from {where}")
    if "examine" not in run("-m", "livegrad", "--help").stdout:
        wrong.append("python -m livegrad --help does not help")
    model, data = folder / "model.keras", folder / "data.npz"
    with zipfile.ZipFile(model, "w") as empty:
        empty.writestr("config.json", "{}")
    run("-c", f"import numpy as np; np.savez({str(data)!r}, x=np.eye(2), y=np.eye(2))")
    asked = run("-m", "livegrad", "examine", str(model), str(data))
    if asked.returncode != 2 or "keras" not in asked.stderr or "Traceback" in asked.stderr:
        wrong.append(f"without Keras, examine says {asked.stderr or 'nothing'}")
    return wrong


def main(artifact: Path) -> int:
    """Print what is wrong with the artifact, installed here; return how much it is."""
    sources = [path for room in ROOMS for path in (ROOT / "src" / room).rglob("*.py")]
    modules = [path.relative_to(ROOT / "src").as_posix() for path in sources]
    wrong = amiss(members(artifact), modules, artifact.suffix == ".whl")
    about = metadata("livegrad")
    wrong += [f"no {name} in the metadata" for name in FIELDS if not about.get(name)]
    with tempfile.TemporaryDirectory() as folder:
        wrong += behaviour(Path(folder))
    for line in wrong:
        print(f"{artifact.name}: {line}", file=sys.stderr)
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
