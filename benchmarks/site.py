"""Print what readers and authors of the site wait for: build, reload, checks, bytes, Lighthouse."""

from __future__ import annotations

import contextlib
import functools
import gzip
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MKDOCS = [sys.executable, "-m", "mkdocs"]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# One page of each kind, by its address.
KINDS = {"home": "", "text": "gradients/vanishing/", "notebook": "experiments/vanishing/"}
GOALS = {
    "text": 130,
    "notebook": 120,
    "explorers": 60,
    "cold": 240,
    "warm": 8,
    "page": 3,
    "first": 30,
    "everything": 150,
    "ready": 5,
}
FIGURE = re.compile(r'<figure class="lg-figure">.*?</figure>', re.DOTALL)


def timed(command: list[str], cwd: Path, **given: str) -> tuple[float, str]:
    """Run a command and return the seconds it took and what it logged."""
    started = time.perf_counter()
    env = os.environ | given
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, env=env)
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


def row(what: str, value: float, unit: str, goal: float | None = None, least: bool = False) -> None:
    """Print a figure, and whether it meets its goal."""
    line = f"{what + ':':58}{value:8.1f} {unit}"
    if goal is not None:
        met = value >= goal if least else value <= goal
        bound = "at least" if least else "at most"
        line += f"   (goal {bound} {goal:g}: {'met' if met else 'MISSED'})"
    print(line, flush=True)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def builds(copy: Path, site: Path, address: str) -> None:
    """Time a build from nothing, one without changes, and one of a changed page."""
    build = [*MKDOCS, "build", "--strict", "--site-dir", str(site)]
    cold, _ = timed(build, copy, SITE_URL=address)
    row("build, cold (all pages and notebooks run)", cold, "s", GOALS["cold"])
    warm, _ = timed(build, copy, SITE_URL=address)
    row("build, warm (nothing changed)", warm, "s", GOALS["warm"])


@contextlib.contextmanager
def server(copy: Path) -> Iterator[tuple[str, Path]]:
    """Start the author's server; give its address and what it logs."""
    port = free_port()
    said = copy.with_suffix(".log")
    with said.open("w") as log:
        running = subprocess.Popen(
            [*MKDOCS, "serve", "--dirty", "--livereload", "--dev-addr", f"127.0.0.1:{port}"],
            cwd=copy,
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            yield f"http://127.0.0.1:{port}/", said
        finally:
            running.terminate()
            running.wait()


def first_serve(copy: Path) -> None:
    """Time the server with an empty cache: until it answers, and until all has run."""
    with server(copy) as (address, said):
        started = time.perf_counter()
        row("serve, first answer (empty cache)", wait(lambda: fetch(address)), "s", GOALS["first"])
        wait(lambda: re.search(r"later: \d+ have run", said.read_text("utf-8")), 1200)
        everything = time.perf_counter() - started
        row("serve, all has run (empty cache)", everything, "s", GOALS["everything"])
    shutil.rmtree(copy / ".cache")


def serve(copy: Path) -> None:
    """Time the author's server: until it is ready, and until it shows an edit."""
    with server(copy) as (address, _):
        row("serve, ready (nothing changed)", wait(lambda: fetch(address)), "s", GOALS["ready"])
        page = copy / "docs" / "gradients" / "vanishing.md"
        page.write_text(page.read_text("utf-8") + "\nEdited just now.\n", "utf-8")
        target = address + KINDS["text"]
        edited = wait(lambda: "Edited just now." in fetch(target))
        row("serve, edited page reloaded", edited, "s", GOALS["page"])


def checks(copy: Path) -> None:
    """Time what an author runs before a commit."""
    for what, pages in {
        "check, all pages and the README": ["docs", "README.md"],
        "check, one edited page": ["docs/initializers/index.md"],
        "check, one edited page with TensorFlow": ["docs/gradients/vanishing.md"],
    }.items():
        seconds, _ = timed([sys.executable, "-m", "pytest", "-q", *pages], copy)
        row(what, seconds, "s")


class Compressing(http.server.SimpleHTTPRequestHandler):
    """Serve files compressed, as hosts of static sites do."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the file, compressed if it is text."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        kind, content = self.guess_type(path), path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if re.match(r"text/|application/|image/svg", kind):
            content = gzip.compress(content, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def served(site: Path, port: int) -> Iterator[None]:
    """Serve the built site meanwhile."""
    handler = functools.partial(Compressing, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def first_visits(chromium: str, address: str, site: Path) -> None:
    """Print what a first visit transfers, from whom, and how far the page shifts."""
    from playwright.sync_api import sync_playwright

    shift = """new Promise(done => {
      let sum = 0;
      new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
      setTimeout(() => done(sum), 500);
    })"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for kind, path in KINDS.items():
            context = browser.new_context()
            page = context.new_page()
            devtools = context.new_cdp_session(page)
            devtools.send("Network.enable")
            sizes: list[float] = []
            foreign: list[str] = []
            devtools.on(
                "Network.loadingFinished", lambda e, s=sizes: s.append(e["encodedDataLength"])
            )
            page.on(
                "request",
                lambda r, f=foreign: r.url.startswith((address, "data:")) or f.append(r.url),
            )
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            moved = page.evaluate(shift)
            # A worker's script is not among the page's own answers.
            names = [worker.url.removeprefix(address) for worker in page.workers]
            workers = sum(len(gzip.compress((site / name).read_bytes(), 6)) for name in names)
            size = (sum(sizes) + workers) / 1000
            if kind == "notebook":
                html = (site / path / "index.html").read_bytes()
                bare = FIGURE.sub("", html.decode()).encode()
                size -= (len(gzip.compress(html, 6)) - len(gzip.compress(bare, 6))) / 1000
            what = " without its figures" if kind == "notebook" else ""
            goal = GOALS.get(kind, GOALS["text"])
            row(f"first visit, {kind} page{what}, compressed", size, "kB", goal)
            row(f"first visit, {kind} page, requests to other hosts", len(foreign), "", 0)
            row(f"first visit, {kind} page, layout shift", moved, "", 0)
            context.close()
        browser.close()
    explorers = [path for path in (site / "assets" / "explorers").rglob("*") if path.is_file()]
    if not explorers:
        print("explorers: the site has none")
        return
    weight = sum(len(gzip.compress(path.read_bytes(), 6)) for path in explorers) / 1000
    row(f"explorers, all {len(explorers)} files, compressed", weight, "kB", GOALS["explorers"])


def lighthouse(chromium: str, address: str, folder: Path) -> None:
    """Print Lighthouse's scores on its mobile profile, where there is node."""
    npx = shutil.which("npx")
    if npx is None:
        print("Lighthouse: not run, there is no npx on this machine (Debian's package npm)")
        return
    for kind, path in KINDS.items():
        report = folder / f"{kind}.json"
        command = [npx, "--yes", "lighthouse", address + path, "--quiet", "--output=json"]
        command += [f"--output-path={report}", f"--chrome-flags=--headless=new {' '.join(FLAGS)}"]
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"CHROME_PATH": chromium}
        )
        if done.returncode:
            print(f"Lighthouse: not run, {done.stderr.strip().splitlines()[-1:]}")
            return
        found = json.loads(report.read_text("utf-8"))
        for name, category in found["categories"].items():
            row(f"Lighthouse, {kind} page, {name}", 100 * category["score"], "", 98, least=True)
            for part in category["auditRefs"]:
                audit = found["audits"][part["id"]]
                if part["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                    print(f"    {part['id']} {audit['score']} {audit.get('displayValue', '')}")


def read(site: Path, port: int, folder: Path) -> None:
    """Measure what a reader's browser does, where there is one."""
    chromium = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if chromium is None:
        print("first visits, Lighthouse: not run, there is no Chromium on this machine")
        return
    address = f"http://127.0.0.1:{port}/"
    with served(site, port):
        first_visits(chromium, address, site)
        lighthouse(chromium, address, folder)


def main(given: list[str]) -> None:
    """Work in a copy, so that no cache of the checkout counts and no page is left changed.

    With a folder that holds a built site and the port in its address, only that site is read.
    """
    with tempfile.TemporaryDirectory() as folder:
        if given:
            read(Path(given[0]), int(given[1]), Path(folder))
            return
        copy, site, port = Path(folder) / "copy", Path(folder) / "built", free_port()
        ignore = shutil.ignore_patterns(".git", ".nox", ".cache", "site", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignore)
        os.environ["LIVEGRAD_CACHE"] = str(copy / ".cache" / "sweeps")  # nothing has run there yet
        first_serve(copy)
        builds(copy, site, f"http://127.0.0.1:{port}/")
        read(site, port, Path(folder))
        serve(copy)
        checks(copy)


if __name__ == "__main__":
    main(sys.argv[1:])
