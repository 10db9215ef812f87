"""Stop the author's server at random moments, and see whether the next build is right.

Run as ``python benchmarks/kills.py 20 1``: twenty trials, drawn from seed 1, about half a minute
each. In each one a twentieth of what is kept is forgotten, the server begins to make it again, and
is stopped in the middle: by turns as Ctrl-C stops it, and as nothing can prevent. Then a strict
build must give, byte for byte, the site that an undisturbed one gave.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MKDOCS = [sys.executable, "-m", "mkdocs"]
LATEST = 20.0  # seconds after which the server is stopped at the latest
PATIENCE = 10.0  # seconds that it may take to end, and its processes with it


def digest(site: Path) -> str:
    """Return a digest of all names and bytes."""
    whole = hashlib.sha256()
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(site)).encode() + path.read_bytes())
    return whole.hexdigest()


def build(copy: Path, site: Path) -> str:
    """Build strictly; return the digest, or what went wrong."""
    command = [*MKDOCS, "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    return digest(site) if done.returncode == 0 else done.stderr[-500:]


def left(session: int) -> list[str]:
    """Return the processes of a session that still run."""
    found = subprocess.run(["ps", "-o", "pid=,args=", "-s", str(session)], capture_output=True)
    return found.stdout.decode().splitlines()


def stopped(copy: Path, after: float, gently: bool) -> list[str]:
    """Start the server and stop it; return what was wrong about its end."""
    with tempfile.TemporaryFile("w+") as said:
        command = [*MKDOCS, "serve", "--dirty", "--livereload", "--dev-addr", "127.0.0.1:0"]
        server = subprocess.Popen(
            command, cwd=copy, stdout=said, stderr=said, start_new_session=True
        )
        time.sleep(after)
        early = server.poll() is not None
        if gently:
            os.killpg(server.pid, signal.SIGINT)
        else:
            server.kill()
        wrong = ["ended by itself"] if early else []
        end = time.monotonic() + PATIENCE
        while left(server.pid) and time.monotonic() < end:
            server.poll()
            time.sleep(0.1)
        wrong += [f"still runs: {process[:100]}" for process in left(server.pid)]
        said.seek(0)
        text = said.read()
        if gently and "Traceback" in text:
            wrong.append(text[text.index("Traceback") :][-500:])
        return wrong


def main(trials: int, seed: int) -> int:
    """Print each trial; return how many went wrong."""
    draw = random.Random(seed)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy, site = Path(folder) / "copy", Path(folder) / "site"
        ignore = shutil.ignore_patterns(".git", ".nox", "site", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignore)
        os.environ["LIVEGRAD_CACHE"] = str(copy / ".cache" / "sweeps")
        os.environ["PYTHONPATH"] = str(copy / "src")
        expected = build(copy, site)
        for trial in range(trials):
            kept = [path for path in sorted((copy / ".cache").rglob("*")) if path.is_file()]
            gone = draw.sample(kept, len(kept) // 20)
            for path in gone:
                path.unlink()
            after, gently = draw.uniform(0, LATEST), trial % 2 == 0
            wrong = stopped(copy, after, gently)
            found = build(copy, site)
            wrong += [] if found == expected else [f"another site: {found}"]
            failed += bool(wrong)
            how = "Ctrl-C" if gently else "kill -9"
            said = "; ".join(wrong) or "the next build is right, no process is left"
            print(f"{how:8}after {after:4.1f} s, {len(gone)} entries forgotten: {said}", flush=True)
    print(f"{trials - failed} of {trials} are right")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]))))
