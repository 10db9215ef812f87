"""Each fault shows and its fix cures it, each healthy model trains; the doctor is not asked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from livegrad_lab.world.score import LEARNED
from livegrad_lab.world.second.case import SECOND, Second

__all__ = ["checked", "seeded", "shown", "table"]


def seeded(torch: bool, seed: int = 0) -> None:
    """Draw from the seed what follows."""
    if torch:
        import torch as framework

        framework.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


def checked(case: Second) -> tuple[float, float | None, float]:
    """Return what a case reaches, a faulty one also mended, and the seconds that it took.

    That is the score, or what is displayed where only that is wrong.
    """
    began = time.process_time()
    seeded(case.torch)
    patient = case.build(False)
    before = patient.train()
    if case.shows != "score":
        before = patient.model.evaluate(patient.x, patient.y, verbose=0, return_dict=True)[
            case.shows
        ]
    after = None
    if case.fault:
        seeded(case.torch)
        after = case.build(True).train()
    took = time.process_time() - began
    if not case.torch:
        import keras

        keras.backend.clear_session()
    return before, after, took


def shown(case: Second, before: float, after: float | None) -> bool:
    """Whether the fault shows and is cured, or the healthy model learns."""
    if after is None:
        return before > LEARNED
    return before < LEARNED < after


def table(names: Iterable[str]) -> Iterator[str]:
    """Yield a Markdown table of the scores line by line, as they are reached."""
    yield "| case | code | before | mended | seconds | |"
    yield "|---|---|---|---|---|---|"
    for name in names:
        case = SECOND[name]
        before, after, took = checked(case)
        mended = "" if after is None else f"{after:.2f}"
        end = "" if shown(case, before, after) else "WRONG"
        code = case.code or ("none" if case.fault else "healthy")
        yield f"| {name} | {code} | {before:.2f} | {mended} | {took:.1f} | {end} |"
