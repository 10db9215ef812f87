"""Print what readers and authors of the site wait for: build, serve, reload, notebooks, checks."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MKDOCS = [sys.executable, "-m", "mkdocs"]


def timed(command: list[str], cwd: Path) -> tuple[float, str]:
    """Run a command and return the seconds it took and what it logged."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, done.stderr


def wait(condition, seconds: float = 120.0) -> float:
    """Return the seconds until ``condition()`` is true."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        try:
            if condition():
                return time.perf_counter() - started
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"nothing within {seconds} s")


def fetch(address: str) -> str:
    """Return the page at ``address``."""
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.read().decode()


def main() -> None:
    """Work in a copy, so that no cache of the checkout counts and no page is left changed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        ignore = shutil.ignore_patterns(".git", ".nox", ".cache", "site", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignore)
        cold, log = timed([*MKDOCS, "build", "--strict"], copy)
        notebooks = {}
        for name, seconds in re.findall(r"(\S+\.py): cell \d+ of \d+, (\d+) s", log):
            notebooks[name] = int(seconds)
        warm, _ = timed([*MKDOCS, "build", "--strict"], copy)
        print(f"build, cold (all figures and notebooks executed): {cold:6.1f} s")
        print(f"build, warm (nothing changed):                    {warm:6.1f} s")
        for name, seconds in notebooks.items():
            print(f"notebook {name}: {seconds} s")

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        address = f"http://127.0.0.1:{port}/"
        server = subprocess.Popen(
            [*MKDOCS, "serve", "--dirty", "--livereload", "--dev-addr", f"127.0.0.1:{port}"],
            cwd=copy,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            ready = wait(lambda: fetch(address))
            print(f"serve, ready (nothing changed):                   {ready:6.1f} s")
            page = copy / "docs" / "gradients" / "vanishing.md"
            page.write_text(page.read_text("utf-8") + "\nEdited just now.\n", "utf-8")
            target = address + "gradients/vanishing/"
            reload = wait(lambda: "Edited just now." in fetch(target))
            print(f"serve, edited page reloaded:                      {reload:6.1f} s")
        finally:
            server.terminate()
            server.wait()

        for what, pages in {
            "check, all pages and the README": ["docs", "README.md"],
            "check, one edited page": ["docs/initializers/index.md"],
            "check, one edited page with TensorFlow": ["docs/gradients/vanishing.md"],
        }.items():
            seconds, _ = timed([sys.executable, "-m", "pytest", "-q", *pages], copy)
            print(f"{what + ':':50}{seconds:6.1f} s")


if __name__ == "__main__":
    main()
