"""Keep what the build computed, under a key of everything that could change it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache"


# The hooks that compute what is kept; what the others do to a page costs too little to be kept.
MAKERS = [
    "blocks.py",
    "cache.py",
    "fences.py",
    "notebooks.py",
    "results.py",
    "shapes.py",
    "snapshot.py",
]


def code_files(root: Path = ROOT) -> list[Path]:
    """Return the package's sources, the hooks that compute, and the locked versions."""
    hooks = [root / "docs" / "_hooks" / name for name in MAKERS]
    others = [path for path in [*hooks, root / "requirements.lock"] if path.exists()]
    return [*sorted((root / "src").rglob("*.py")), *others]


def code_digest(root: Path = ROOT) -> str:
    """Digest of all code that a result may depend on."""
    stamps = ((path, path.stat()) for path in code_files(root))
    return _digest(root, tuple((path, at.st_mtime_ns, at.st_size) for path, at in stamps))


@functools.lru_cache(maxsize=4)
def _digest(root: Path, stamped: tuple[tuple[Path, int, int], ...]) -> str:
    """Read the files, unless none of them was written since the last time."""
    digest = hashlib.sha256()
    for path, _, _ in stamped:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def key(*parts: str, root: Path = ROOT) -> str:
    """Name under which a result made from ``parts`` and the present code may be kept."""
    digest = hashlib.sha256(code_digest(root).encode())
    for part in parts:
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()[:32]


def store(path: Path, content: str | bytes) -> None:
    """Write to ``path`` in one step, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.replace(path)


def kept(name: str, make: Callable[[], bytes], *parts: str) -> bytes:
    """Return what ``make`` returns, from cache if it was made of the same parts and code.

    The file of the hook that defines ``make`` is one of the parts.
    """
    source = Path(make.__code__.co_filename).read_text(encoding="utf-8")
    path = FOLDER / "made" / f"{key(name, source, *parts)}-{name}"
    if not path.exists():
        store(path, make())
    return path.read_bytes()
