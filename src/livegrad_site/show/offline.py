"""Let a reader install the site and read it without a network: manifest, icons, worker, list.

The worker is the script ``worker.js``, at the root of the site's version, which it keeps; it bears
a digest of all files of the build. None of it is there while the site is served to its author.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from livegrad_site.run import cache, later
from livegrad_site.show.explorers import bare

FAVICON = "docs/assets/favicon.svg"
# Name, side in pixels, and the share of it that the bars are drawn at: a launcher may cut a circle
# out of a maskable icon, whose middle four fifths are safe.
ICONS = {
    "assets/icon-192.png": (192, 1.0, "any"),
    "assets/icon-512.png": (512, 1.0, "any"),
    "assets/icon-maskable.png": (512, 0.7, "maskable"),
}
MANIFEST, WORKER, LIST = "manifest.webmanifest", "worker.js", "files.json"
PLACE = '"of this build"'
# What no reader's browser asks for.
_NOT_READ = re.compile(r"\.map$|^sitemap\.xml|^404\.html$|/lunr/|^worker\.js$|^files\.json$")
_RECT = re.compile(r"<rect ([^>]*)/>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_SIDE = 32  # of the favicon's own square


def icon(svg: str, side: int, share: float) -> bytes:
    """Return the favicon as PNG.

    Args:
        svg: the favicon: rectangles in a square, the first of them its ground.
        side: pixels.
        share: of the side, for what stands on the ground; below 1 the ground has no round corners.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    figure = Figure(figsize=(side / 100, side / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, _SIDE), ylim=(_SIDE, 0))
    axes.set_axis_off()
    for at, match in enumerate(_RECT.finditer(svg)):
        given = dict(_ATTRIBUTE.findall(match[1]))
        x, y, w, h, r = (float(given.get(name, 0)) for name in ("x", "y", "width", "height", "rx"))
        if at:
            x, y = (_SIDE / 2 + share * (one - _SIDE / 2) for one in (x, y))
            w, h, r = share * w, share * h, share * r
        elif share < 1:
            r = 0
        shape = f"round,pad=0,rounding_size={r}" if r else "square,pad=0"
        axes.add_patch(FancyBboxPatch((x, y), w, h, shape, facecolor=given["fill"], linewidth=0))
    drawn = io.BytesIO()
    canvas.print_png(drawn, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return drawn.getvalue()


def manifest(config: MkDocsConfig, svg: str) -> str:
    """Return what a browser needs to know to install the site; its addresses are relative."""
    ground = dict(_ATTRIBUTE.findall(_RECT.findall(svg)[0]))["fill"]
    icons = [
        {"src": name, "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}
        for name, (side, _, purpose) in ICONS.items()
    ]
    said = {
        "name": config.site_name,
        "description": config.site_description,
        "lang": "en",
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "theme_color": ground,
        "background_color": ground,
        "icons": icons,
    }
    return json.dumps(said, indent=1)


def offered() -> bool:
    """Return whether this site can be kept: an author's own device gets no worker."""
    return not later.queue.serving and (cache.ROOT / "docs" / "assets" / WORKER).exists()


def configure(config: MkDocsConfig) -> None:
    """Let pages name the manifest, and load the script that starts the worker."""
    config.extra["offline"] = MANIFEST if offered() else ""


def publish(files: Files, config: MkDocsConfig) -> None:
    """Publish the manifest and its icons."""
    if not offered():
        return
    svg = (cache.ROOT / FAVICON).read_text(encoding="utf-8")
    files.append(File.generated(config, MANIFEST, content=manifest(config, svg)))
    for name, (side, share, _) in ICONS.items():

        def draw(side: int = side, share: float = share) -> bytes:
            return icon(svg, side, share)

        content = cache.kept("icon.png", draw, svg, str(side), str(share))
        files.append(File.generated(config, name, content=content))


def write(site: Path) -> None:
    """Write the worker and the list of all that a reader can keep; the last thing of a build.

    Raises:
        ValueError: if the worker's script has no place for the digest.
    """
    script = site / "assets" / WORKER
    if not offered():
        script.unlink(missing_ok=True)
        return
    code = bare(script.read_text(encoding="utf-8"))
    if code.count(PLACE) != 1:
        raise ValueError(f"{WORKER} must have {PLACE} once, got {code.count(PLACE)} times")
    script.unlink()
    total = hashlib.sha256(code.encode())
    names: list[str] = []
    size = 0
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        name = path.relative_to(site).as_posix()
        if _NOT_READ.search(name):
            continue
        content = path.read_bytes()
        total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\0".encode())
        names.append(re.sub(r"(^|/)index\.html$", r"\1", name))
        size += len(content)
    listed: dict[str, Any] = {"bytes": size, "files": names}
    (site / LIST).write_text(json.dumps(listed, separators=(",", ":")), encoding="utf-8")
    code = code.replace(PLACE, f'"{total.hexdigest()[:16]}"')
    (site / WORKER).write_text(code, encoding="utf-8")
