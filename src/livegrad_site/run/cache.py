"""Keep what the build computed, under a key of everything that could change it.

An entry is a file that begins with the digest of its content: what was cut short, overwritten or
altered by hand is computed anew.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from mkdocs.exceptions import PluginError

from livegrad_lab import closure

log = logging.getLogger("mkdocs.plugins.cache")

ROOT = Path(__file__).resolve().parents[3]


def _folder() -> Path:
    """Return where this build keeps things, for the processes that it starts as well."""
    there = os.environ.get("LIVEGRAD_KEPT")
    if there:
        return Path(there)
    own = ROOT / ".cache"
    if os.access(own if own.exists() else ROOT, os.W_OK):
        return own
    # In a folder that may only be read, a build lasts as long as its process.
    os.environ["LIVEGRAD_KEPT"] = tempfile.mkdtemp(prefix="livegrad-")
    return Path(os.environ["LIVEGRAD_KEPT"])


FOLDER = _folder()
RECORDS = ROOT / "docs" / "_kept"
# For the experiments, in whatever process they run.
os.environ.setdefault("LIVEGRAD_RECORDS", str(RECORDS))


# What computes all that is kept; what is done to a page otherwise costs too little to be kept.
MAKERS = [
    "read/fences.py",
    "run/blocks.py",
    "run/cache.py",
    "run/machine.py",
    "run/notebooks.py",
    "run/results.py",
    "run/shapes.py",
    "run/snapshot.py",
]


def sources(root: Path = ROOT) -> list[Path]:
    """Return the files of the package and of the laboratory."""
    rooms = (root / "src" / room for room in closure.ROOMS)
    return sorted(path for room in rooms for path in room.rglob("*.py"))


def code_files(root: Path = ROOT) -> list[Path]:
    """Return all sources, what computes, and the locked versions."""
    makers = [root / "src" / "livegrad_site" / name for name in MAKERS]
    others = [path for path in [*makers, root / "requirements.lock"] if path.exists()]
    return [*sources(root), *others]


def code_digest(root: Path = ROOT) -> str:
    """Digest of all code that an interpreter may have loaded."""
    return _digest(root, _stamped(code_files(root)))


def _stamped(paths: Iterable[Path]) -> tuple[tuple[Path, int, int], ...]:
    stamps = ((path, path.stat()) for path in paths)
    return tuple((path, at.st_mtime_ns, at.st_size) for path, at in stamps)


@functools.lru_cache(maxsize=8)
def _digest(root: Path, stamped: tuple[tuple[Path, int, int], ...]) -> str:
    """Read the files, unless none of them was written since the last time."""
    digest = hashlib.sha256()
    for path, _, _ in stamped:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=8)
def _ground(root: Path, stamped: tuple[tuple[Path, int, int], ...]) -> str:
    """Return a digest of what every result stands on: the makers, and the locked versions."""
    digest = hashlib.sha256()
    for path, _, _ in stamped:
        text = path.read_text(encoding="utf-8")
        one = closure.meaning(text) if path.suffix == ".py" else text
        digest.update(f"{path.relative_to(root).as_posix()}\0{one}\0".encode())
    return digest.hexdigest()


def key(*parts: str, code: Iterable[str] = (), root: Path = ROOT) -> str:
    """Name under which a result may be kept.

    Args:
        parts: what it was made from.
        code: Python sources that ran for it: what they import of the package counts.
        root: the repository.
    """
    own = set(sources(root))
    others = [path for path in code_files(root) if path not in own]
    digest = hashlib.sha256(_ground(root, _stamped(others)).encode())
    for part in parts:
        digest.update(b"\0" + part.encode())
    for one in code:
        digest.update(b"\0" + _reached(one, root).encode())
    return digest.hexdigest()[:32]


def _reached(code: str, root: Path) -> str:
    """Digest what the code can reach, and the kept records of the experiments that are in it."""
    try:
        files = set(closure.reached(code, root / "src"))
        own = closure.digest(code, root / "src")
    except SyntaxError:  # it will not run
        return ""
    records = sorted((root / RECORDS.relative_to(ROOT)).glob("*.json"))
    taken = [path for path in records if files & _homes(path.stem, root)]
    return own + _digest(root, _stamped(taken)) if taken else own


def _homes(function: str, root: Path) -> set[Path]:
    """Return the file that a function of this full name stands in, as a module or a package."""
    module = (root / "src").joinpath(*function.split(".")[:-1])
    return {module.with_suffix(".py"), module / "__init__.py"}


def store(path: Path, content: str | bytes) -> None:
    """Keep an entry, in one step: nobody sees half of it, and two may do it at once.

    Raises:
        PluginError: if it cannot be written.
    """
    body = content.encode() if isinstance(content, str) else content
    try:
        write(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    except OSError as error:
        raise PluginError(f"cannot keep {path.name} in {path.parent}: {error.strerror}") from error


def write(path: Path, content: bytes) -> None:
    """Write a file in one step; nothing is left over if that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name[:40], suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def load(path: Path) -> bytes | None:
    """Return an entry's content, or None if there is none that is as it was stored."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if hashlib.sha256(body).hexdigest().encode() == digest:
        return body
    # No warning: it is mended by that, and a strict build need not fail.
    log.info("%s is not as it was stored: it is computed anew", path.name)
    path.unlink(missing_ok=True)
    return None


def kept(name: str, make: Callable[[], bytes], *parts: str, code: Iterable[str] = ()) -> bytes:
    """Return what ``make`` returns, from cache if it was made of the same parts and code.

    The file that defines ``make`` is one of the parts, and what it imports counts.
    """
    source = Path(make.__code__.co_filename).read_text(encoding="utf-8")
    path = FOLDER / "made" / f"{key(name, source, *parts, code=[source, *code])}-{name}"
    body = load(path)
    if body is None:
        body = make()
        store(path, body)
    return body
