"""Keep what the build computed, under a key of everything that could change it."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache"


def code_files(root: Path = ROOT) -> list[Path]:
    """Return the package's sources, the build's own hooks and the locked versions."""
    sources = [*(root / "src").rglob("*.py"), *(root / "docs" / "_hooks").glob("*.py")]
    lock = root / "requirements.lock"
    return [*sorted(sources), *([lock] if lock.exists() else [])]


def code_digest(root: Path = ROOT) -> str:
    """Digest of all code that a result may depend on."""
    digest = hashlib.sha256()
    for path in code_files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def key(*parts: str, root: Path = ROOT) -> str:
    """Name under which a result made from ``parts`` and the present code may be kept."""
    digest = hashlib.sha256(code_digest(root).encode())
    for part in parts:
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()[:32]


def store(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
