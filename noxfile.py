"""The project's verbs; ``nox --list`` shows them. nox makes each locked environment by itself."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nox

sys.path.append("src")
from livegrad_site.run import machine

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests"]

LOCK = "requirements.lock"
ENVIRONMENT = machine.environment() | {
    "NO_MKDOCS_2_WARNING": "1",
    # Much runs side by side here, and threads of linear algebra that wait for each other burn the
    # time of all.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # What experiments gave is found again by the content of the code and the versions it ran with.
    "LIVEGRAD_CACHE": str(Path(".cache/sweeps").resolve()),
}

# The lowest versions that pyproject.toml allows of what it names, for a resolver.
LOWEST = ["--resolution", "lowest-direct", "--extra", "keras"]

# Whole files, in the order of conftest.py, on all cores.
AT_ONCE = ["--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder"]
# What is tried on each backend of Keras.
KERAS = ["backend", "data", "layers", "outputs", "probe"]
SLOWEST = ["--durations=10", "--durations-min=5"]


def prepare(session: nox.Session) -> None:
    """Install the locked versions and the package itself, unless the lock is installed already."""
    stamp = Path(session.virtualenv.location) / "installed.lock"
    lock = Path(LOCK).read_bytes()
    if not stamp.exists() or stamp.read_bytes() != lock:
        session.install("--require-hashes", "-r", LOCK)
        session.install("--no-deps", "-e", ".")
        stamp.write_bytes(lock)
    session.env.update(ENVIRONMENT)


@nox.session
def serve(session: nox.Session) -> None:
    """Serve the site at http://127.0.0.1:8000/, reloading what is edited."""
    prepare(session)
    session.run("mkdocs", "serve", "--dirty", "--livereload", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, check formats and types, then run all tests, blocks, notebooks and browser checks.

    What needs nothing of the tests runs beside them, in the time that they leave.
    """
    prepare(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    if session.posargs:
        session.run("mypy")
        session.run("pytest", *session.posargs)
        return
    # The tests run each block with the locked versions, and ``lowest`` pastes pages, as their turn
    # comes, into an empty interpreter: before a release, the two are combined.
    others = ["paste"] if os.environ.get("GITHUB_REF_TYPE") == "tag" else []
    pasted = ["lowest", *others, "release", "--", "--turn"]
    sessions = [sys.executable, "-m", "nox", "-x", "-s", *pasted]
    with beside(session, [str(Path(session.bin, "mypy"))], sessions):
        session.run("pytest", *AT_ONCE, *SLOWEST)


@contextlib.contextmanager
def beside(session: nox.Session, *commands: list[str]) -> Iterator[None]:
    """Run commands meanwhile; in the end print what each said, and fail where one did."""
    # No folder of the session's own: it would become the tests' place for temporary files.
    folder = Path(session.virtualenv.location)
    started = []
    try:
        for at, command in enumerate(commands):
            said = folder / f"beside-{at}.txt"
            with said.open("w", encoding="utf-8") as log:
                last = patient if os.name == "posix" else None
                process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=last)
                started.append((process, said))
        yield
        for process, said in started:
            process.wait()
            print(said.read_text(encoding="utf-8"), flush=True)
    finally:
        for process, _ in started:
            if process.poll() is None:
                # nox ends what it has started, if it is asked as Ctrl-C asks.
                process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    if any(process.returncode for process, _ in started):
        session.error("what ran beside the tests failed")


def patient() -> None:
    """Let all others go first: no browser check is to wait."""
    os.nice(19)


@nox.session
def paste(session: nox.Session) -> None:
    """Paste each page's blocks into an empty interpreter that has the built wheel alone."""
    pasted(session, "--constraint", LOCK, ".[keras]")


@nox.session
def lowest(session: nox.Session) -> None:
    """Do the same with the lowest versions that pyproject.toml allows."""
    pasted(session, *LOWEST, "--requirements", "pyproject.toml")


def pasted(session: nox.Session, *requirements: str) -> None:
    """Install the requirements and the wheel, as it would be published, and paste the pages."""
    if session.venv_backend != "uv":
        session.skip('only uv resolves that way: pip install "nox[uv]"')
    session.install(*requirements)
    # Built anew: uv would keep a wheel as long as pyproject.toml stays the same.
    session.install("--no-deps", "--refresh-package=livegrad", "--reinstall-package=livegrad", ".")
    session.env.update(ENVIRONMENT)
    # What pastes is no part of the wheel; what is pasted finds nothing but the wheel.
    own = {"PYTHONPATH": "src"}
    if os.environ.get("GITHUB_REF_TYPE") != "tag":
        # All other experiments run; these take more than an hour.
        lent = Path(session.create_tmp(), "kept")
        lent.mkdir(exist_ok=True)
        for name in (
            "panel.run",
            "practices.run",
            "followed.run",
            "watched.run",
            "width.run",
            "retrained.run",
            "faults.case.run_case",
            "world.score.run_example",
            "world.second.score.run_second",
        ):
            shutil.copy(f"docs/_kept/livegrad_lab.{name}.json", lent)
        own["LIVEGRAD_RECORDS"] = str(lent.resolve())
    session.run("python", "-m", "livegrad_site.commands.paste", *session.posargs, env=own)


@nox.session
def python(session: nox.Session) -> None:
    """Run the package's own tests with another Python: ``nox -s python -- 3.13``."""
    (version,) = session.posargs
    session.install("uv")
    own = empty(session, Path(session.create_tmp()) / "own", python_of(version) or version)
    session.run("uv", "pip", "install", "--quiet", *own, "--require-hashes", "-r", LOCK)
    session.run("uv", "pip", "install", "--quiet", *own, "--no-deps", "-e", ".")
    session.env.update(ENVIRONMENT)
    tests = sorted(str(path) for path in Path("tests").glob("test_*.py"))
    session.run(own[1], "-m", "pytest", *AT_ONCE, "src", "tests/doctor", *tests, external=True)


@nox.session(venv_backend="virtualenv")
def torch(session: nox.Session) -> None:
    """Run the blocks and tests that need PyTorch, beside the locked versions."""
    framework(session, "torch or frameworks", "torch==2.13.0")
    if not session.posargs:
        own = {"PYTHONPATH": "src"}
        session.run("python", "-m", "livegrad_site.commands.paste", "--torch", "--turn", env=own)


@nox.session(venv_backend="virtualenv")
def jax(session: nox.Session) -> None:
    """Run the tests that need JAX and Flax, beside the locked versions."""
    framework(session, "jax", "jax", "flax", "optax")


def framework(session: nox.Session, chosen: str, *packages: str) -> None:
    """Install a framework that is not locked, and run the blocks and tests of that name.

    By pip, which takes the build for processors where an index has it first; uv asks one index.
    """
    prepare(session)
    session.install(*packages)
    tests = ["tests/doctor", *map(str, sorted(Path("tests").glob("test_*.py"))), "docs"]
    session.run("pytest", *AT_ONCE, *tests, "-k", chosen, *session.posargs)
    if not session.posargs:
        # Keras on this framework: what its probe sees, test by test.
        parts = [f"tests/doctor/test_keras_{part}.py" for part in KERAS]
        own = {"KERAS_BACKEND": packages[0].partition("==")[0]}
        session.run("pytest", *AT_ONCE, *parts, env=own)


def python_of(version: str) -> str | None:
    """Return the machine's Python of that version, or None."""
    command = shutil.which(f"python{version}")
    if command is None:
        return None
    # Where pyenv stands before it, it asks which one is meant.
    environment = os.environ | {"PYENV_VERSION": version}
    asked = [command, "-c", "import sys; print(sys.executable)"]
    said = subprocess.run(asked, env=environment, capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 else None


def empty(session: nox.Session, folder: Path, python: str) -> list[str]:
    """Make an empty environment, and return uv's options for it: the second is its Python."""
    session.run("uv", "venv", "--quiet", "--clear", "--python", python, str(folder))
    return ["--python", str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")]


@nox.session
def release(session: nox.Session) -> None:
    """Build the wheel and the sdist as they are published, and try each alone.

    The sdist is tried with the newest Python that the machine has, the wheel with this one.
    """
    session.install("uv")
    folder = Path(session.create_tmp())
    shutil.rmtree(folder / "dist", ignore_errors=True)
    session.run("uv", "build", "--quiet", f"--out-dir={folder / 'dist'}")
    for artifact in sorted((folder / "dist").glob("livegrad-*")):
        found = (python_of(version) for version in ("3.14", "3.13", "3.12"))
        newest = next(filter(None, found), sys.executable)
        python = sys.executable if artifact.suffix == ".whl" else newest
        own = empty(session, folder / artifact.suffix.lstrip("."), python)
        chosen = [*own, "--constraint", LOCK, "--refresh-package=livegrad"]
        session.run("uv", "pip", "install", "--quiet", *chosen, str(artifact))
        session.run(own[1], ".ci/alone.py", str(artifact), external=True)
        with_what = session.run(own[1], "--version", external=True, silent=True)
        session.log(f"{artifact.name} is whole and works alone with {str(with_what).strip()}")


@nox.session
def versions(session: nox.Session) -> None:
    """Add the tested site/ to the branch gh-pages under its name; lay all out in versions/."""
    (name,) = session.posargs
    session.install("--constraint", LOCK, "mike")
    session.run("python", ".ci/versions.py", name)


@nox.session
def audit(session: nox.Session) -> None:
    """Audit the workflows, and the locked and the lowest versions for known vulnerabilities."""
    session.install("pip-audit", "uv", "zizmor")
    session.run("zizmor", "--offline", ".github")
    found = Path(session.create_tmp(), "lowest.txt")
    # With hashes, as the lock has them: pip-audit then asks of these versions and resolves nothing.
    compiled(session, found, *LOWEST, "--generate-hashes")
    for versions in (LOCK, str(found)):
        session.run("pip-audit", "--requirement", versions, "--require-hashes", "--disable-pip")


@nox.session
def build(session: nox.Session) -> None:
    """Build the site into site/, any warning an error."""
    prepare(session)
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session
def book(session: nox.Session) -> None:
    """Build the site into site/, and bind it there as one PDF and one EPUB."""
    prepare(session)
    session.run("mkdocs", "build", "--strict")
    session.run("python", "-m", "livegrad_site.commands.book", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Print what readers and authors wait for, as figures of one run."""
    prepare(session)
    session.run("python", "benchmarks/site.py")
    session.run("python", "benchmarks/doctor.py")
    session.run("python", "benchmarks/speed.py")
    session.run("python", "benchmarks/panel.py")
    session.run("python", "benchmarks/explorers")


@nox.session
def drift(session: nox.Session) -> None:
    """Measure how many changes in the package the pages notice: takes an hour or two."""
    prepare(session)
    session.run("python", "benchmarks/drift.py", *(session.posargs or ["documentation"]))


@nox.session
def refresh(session: nox.Session) -> None:
    """Rewrite the pages' expected outputs from what their blocks print, and show what changed."""
    prepare(session)
    session.run("python", "-m", "livegrad_site.commands.refresh", *session.posargs)


@nox.session
def experiments(session: nox.Session) -> None:
    """Run the experiments whose results are kept in the repository, all of them, and keep them."""
    prepare(session)
    session.run("python", "-m", "livegrad_site.commands.experiments", *session.posargs)


@nox.session
def read(session: nox.Session) -> None:
    """Show sentences beside their proofs where either changed, and lock what was read."""
    prepare(session)
    session.run("python", "-m", "livegrad_site.commands.read", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write requirements.lock and, for CI, nox's own lock: versions with hashes, no address."""
    session.install("uv")
    hashed = ["--universal", "--generate-hashes", "--custom-compile-command=nox -s lock"]
    compiled(session, Path(LOCK), *hashed, "--extra=keras", "--group=dev", *session.posargs)
    wanted = Path(session.create_tmp(), "nox.in")
    wanted.write_text("nox[uv]\n", encoding="utf-8")
    own = [*hashed, "--python-version=3.11", "--no-annotate", *session.posargs]
    compiled(session, Path(".ci/nox.lock"), *own, source=str(wanted))


def compiled(session: nox.Session, to: Path, *options: str, source: str = "pyproject.toml") -> None:
    """Write the versions that the source's requirements resolve to, without an address."""
    without = ["--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    session.run("uv", "pip", "compile", *without, *options, f"--output-file={to}", source)
