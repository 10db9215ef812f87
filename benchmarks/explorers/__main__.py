"""Race the explorers' engine against TensorFlow Playground's: ``python benchmarks/explorers``.

Both train the same networks on the same data in one page of Chromium, in turns, so that whatever
else the machine does meets both. The ratio is that of the examples trained a second.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path

import playground
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
EXPLORERS = ROOT / "docs" / "assets" / "explorers"
NETWORKS = [([2, 8, 8, 8, 1], "tanh"), ([2, 32, 32, 32, 1], "relu")]
ROUNDS = 9
SECONDS = 0.5
EPOCHS = 20
# The engines add in another order; on the way through so many steps the difference grows.
LARGEST_DIFFERENCE = 1e-9
GOAL = 10


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def compete(page: Page, widths: list[int], activation: str) -> float:
    """Print what one network's race gave and return the median ratio."""
    name = "-".join(map(str, widths)) + " " + activation
    page.evaluate(
        "async ([widths, activation]) => {"
        " const { race } = await import('/race.js');"
        " window.running = await race(widths, activation); }",
        [widths, activation],
    )
    ours, theirs, apart = page.evaluate("epochs => window.running.learned(epochs)", EPOCHS)
    if not max(apart, abs(ours - theirs)) < LARGEST_DIFFERENCE:
        raise SystemExit(f"{name}: the engines learn different things, {apart:.1e} apart")
    run = "([engine, seconds]) => window.running.speed(engine, seconds)"
    for engine in ["engine", "playground"]:  # until both are compiled
        page.evaluate(run, [engine, SECONDS])
    rounds = [
        [page.evaluate(run, [engine, SECONDS]) for engine in ["engine", "playground"]]
        for _ in range(ROUNDS)
    ]
    ratios = [fast / slow for fast, slow in rounds]
    print(f"{name}, mini-batch 10, {ROUNDS} rounds")
    for at, engine in enumerate(["engine", "nn.ts"]):
        speed = statistics.median(one[at] for one in rounds)
        print(f"  {engine:7} {speed:12,.0f} examples a second")
    median, low, high = statistics.median(ratios), min(ratios), max(ratios)
    print(f"  ratio   {median:12.1f} (from {low:.1f} to {high:.1f})")
    print(f"  loss after {EPOCHS} epochs {ours:.6f} and {theirs:.6f},", end=" ")
    print(f"outputs at most {apart:.0e} apart")
    return median


def main() -> None:
    """Serve the engines from a folder of their own and race them."""
    try:
        text = playground.without_types(playground.source())
    except OSError as error:
        raise SystemExit(f"{playground.KEPT}: {error}; fetch {playground.SOURCE}") from error
    names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
    path = next(filter(None, map(shutil.which, names)))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(EXPLORERS, Path(folder) / "explorers")
        shutil.copy(Path(__file__).with_name("race.js"), folder)
        (Path(folder) / "nn.js").write_text(text)
        (Path(folder) / "index.html").write_text("<!doctype html><title>Race</title>")
        handler = functools.partial(Quiet, directory=folder)
        with (
            http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
            sync_playwright() as playwright,
        ):
            threading.Thread(target=server.serve_forever, daemon=True).start()
            flags = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
            browser = playwright.chromium.launch(executable_path=path, args=flags)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            print(f"Chromium {browser.version}, {os.cpu_count()} cores, doubles on both sides")
            ratios = [compete(page, *network) for network in NETWORKS]
            browser.close()
            server.shutdown()
    if min(ratios) < GOAL:
        sys.exit(f"the goal of {GOAL} times is missed")


if __name__ == "__main__":
    main()
