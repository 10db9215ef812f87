"""Write a content security policy into each page that lets in the site itself and nothing else.

A server could send it as a header; a folder of files cannot, so it is the first thing in each
page's head. No style stands in an attribute then: what figures bring becomes attributes of SVG.
The policy is the same on all pages, since instant navigation keeps the one of the first.
"""

from __future__ import annotations

import base64
import hashlib
import re

from mkdocs.exceptions import PluginError

from livegrad_site.run import cache, later

_STYLED = re.compile(r'(<[a-zA-Z][^<>]*?) style="([^"]*)"')
_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)
_CHARSET = '<meta charset="utf-8">'
# Properties that SVG knows as attributes too; a style sheet that says otherwise comes first.
_PRESENTATION = (
    r"(?:fill|stroke|opacity|text-anchor|font-size|font-family|font-style|font-weight)[a-z-]*"
)


def unstyled(output: str) -> str:
    """Return the page with each style attribute of an SVG turned into attributes.

    Raises:
        PluginError: if a style has no such form, since the reader's browser would drop it.
    """

    def attributes(match: re.Match[str]) -> str:
        made = ""
        for name, _, value in (part.partition(":") for part in match[2].split(";") if part.strip()):
            name, value = name.strip(), value.strip()
            if name == "max-width" and match[1].startswith("<svg"):
                made += f' width="{value.removesuffix("px")}"'
            elif re.fullmatch(_PRESENTATION, name):
                made += f' {name}="{value}"'
            else:
                raise PluginError(f"the content security policy forbids the style of {match[0]}>")
        return match[1] + made

    return _STYLED.sub(attributes, output)


def hashes(output: str) -> list[str]:
    """Return the hashes of the scripts that stand in the page itself; data is no script."""
    found = {
        base64.b64encode(hashlib.sha256(script["code"].encode()).digest()).decode()
        for script in _SCRIPT.finditer(output)
        if not re.search(r"\bsrc=|json", script["attributes"])
    }
    return sorted(found)


def policy(output: str, *, assembly: bool) -> str:
    """Return the policy of a page; ``assembly`` if its explorers compile WebAssembly."""
    scripts = ["'self'", *(f"'sha256-{one}'" for one in hashes(output))]
    if assembly:
        scripts.append("'wasm-unsafe-eval'")
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {' '.join(scripts)}",
            "img-src 'self' data:",
            "worker-src 'self'",
            "manifest-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )


def compiles() -> bool:
    """Return whether anything that the site publishes is WebAssembly."""
    return any((cache.ROOT / "docs" / "assets").rglob("*.wasm"))


def guarded(output: str) -> str:
    """Return the page under its policy, before anything in its head is loaded."""
    output = unstyled(output)
    if _CHARSET not in output:
        raise PluginError("a page without a place for its content security policy")
    if later.queue.serving:  # which adds a script of its own to the page
        return output
    meta = '<meta http-equiv="Content-Security-Policy" content="{}">'
    return output.replace(_CHARSET, _CHARSET + meta.format(policy(output, assembly=compiles())), 1)
