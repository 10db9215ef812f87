"""Make code light to lay out: no element without a colour of its own, what follows known ahead.

The theme's script has a phone lay out the page several times before it can be used, and most of a
page's elements are words of code.
"""

from __future__ import annotations

import re

# Words of code in the ink of the text, and signs, which share one ink of their own.
_PLAIN = re.compile(r'<span class="(?:n|nc|ne|nf|nn|na|nv|kc|fm|vm|w)">([^<]*)</span>')
_SIGNS = re.compile(r'(<span class="[op]">)([^<]*(?:</span>\s*<span class="[op]">[^<]*)+)</span>')
_BETWEEN = re.compile(r'</span>(\s*)<span class="[op]">')
_PRINTS = re.compile(
    r'(?<=<div class="language-python highlight)(?="><pre(?:(?!</pre>).)*</pre></div>\s*'
    r'<div class="language-text highlight">)',
    re.DOTALL,
)
_CODE = re.compile(r"<pre([^>]*)>(<span></span><code>.*?)</code></pre>", re.DOTALL)


def thinned(output: str) -> str:
    """Return the page with no more elements in its code than it has changes of colour."""
    output = _PLAIN.sub(r"\1", output)
    return _SIGNS.sub(lambda run: run[1] + _BETWEEN.sub(r"\1", run[2]) + "</span>", output)


def counted(output: str) -> str:
    """Return the page with the number of lines at each block of code.

    The style sheet makes a height of it: the browser need not lay out what is not on the screen.
    """

    def block(match: re.Match[str]) -> str:
        lines = match[2].rstrip().count("\n") + 1
        return f'<pre{match[1]} data-lg-lines="{lines}">{match[2]}</code></pre>'

    return _CODE.sub(block, output)


def joined(output: str) -> str:
    """Return the page with a class at each block whose output follows.

    CSS could see it by itself with ``:has``, at each change of the page anew.
    """
    return _PRINTS.sub(" lg-prints", output)


def lightened(output: str) -> str:
    """Return the page, examples of docstrings included, with its code light to lay out."""
    return joined(counted(thinned(output)))
