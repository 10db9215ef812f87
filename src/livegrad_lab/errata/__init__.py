"""What the site once said wrongly, what is so, and a check of each.

A check computes what the correction says and returns it in words. It raises a ValueError where the
correction does not hold, so that the page of errata cannot be built from a wrong one.
"""

from __future__ import annotations

from livegrad_lab.errata import (
    activations,
    dropout,
    experiments,
    gradients,
    initializers,
    inputs,
    outputs,
    reference,
    shortcuts,
    step,
)
from livegrad_lab.errata._erratum import Erratum

__all__ = ["ERRATA", "Erratum", "listing"]

ERRATA: tuple[Erratum, ...] = (
    *gradients.ERRATA,
    *activations.ERRATA,
    *initializers.ERRATA,
    *dropout.ERRATA,
    *shortcuts.ERRATA,
    *outputs.ERRATA,
    *inputs.ERRATA,
    *step.ERRATA,
    *experiments.ERRATA,
    *reference.ERRATA,
)
"""All errata, by topic and in the order of the pages."""


def listing(topic: str) -> str:
    """Return the errata of one topic as a list in Markdown, each with what its check found.

    Raises:
        ValueError: if a correction does not hold, or the topic has none.
    """
    own = [erratum for erratum in ERRATA if erratum.topic == topic]
    if not own:
        raise ValueError(f"topic must be one of {sorted({e.topic for e in ERRATA})}, got {topic!r}")
    parts = []
    for erratum in own:
        name, _, anchor = erratum.page.partition("#")
        link = f"../{name}" + ("" if name.endswith(".py") else ".md")
        link += f"#{anchor}" if anchor else ""
        parts.append(
            f"- On [{name.removesuffix('.py')}]({link}), until {erratum.since}:\n\n"
            f"    > {erratum.said}\n\n"
            f"    {erratum.right}\n\n"
            f"    *Checked in this build:* {erratum.check()}.\n"
        )
    return "\n".join(parts)
