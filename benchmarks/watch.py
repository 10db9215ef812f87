"""Print what ``TorchWatch`` costs, as a share of the time of training; needs livegrad[torch]."""

from __future__ import annotations

import time

import torch
from torch import nn

from livegrad.doctor import TorchWatch

SECONDS = 20


def dense() -> tuple[nn.Module, torch.Tensor]:
    """Return three dense layers, and a batch."""
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers), torch.randn(128, 784)


def convolutions() -> tuple[nn.Module, torch.Tensor]:
    """Return three convolutions with normalisation, and a batch."""

    def block(inputs: int, outputs: int) -> list[nn.Module]:
        conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        return [conv, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]

    blocks = [*block(3, 32), *block(32, 64), *block(64, 64)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(1024, 10)), torch.randn(64, 3, 32, 32)


def train(build, share: float | None) -> str:
    """Train for some seconds, and tell what part of them the watch took."""
    torch.manual_seed(0)
    module, x = build()
    y = torch.arange(len(x)) % 10
    optimizer, loss = torch.optim.Adam(module.parameters(), 1e-3), nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(module(x), y).backward()
        optimizer.step()

    for _ in range(5):
        step()
    watch = TorchWatch(module, x, y, loss=loss, optimizer=optimizer, every=100, share=share)
    watched = trained = 0.0
    while trained < SECONDS or watch.steps % 100:
        began = time.perf_counter()
        step()
        middle = time.perf_counter()
        watch.step()
        watched += time.perf_counter() - middle
        trained += middle - began
    each = 1e3 * trained / watch.steps
    looks = len(watch.examinations)
    return f"{watched / trained:6.2%} of {watch.steps} steps of {each:.1f} ms, {looks} examinations"


def main() -> None:
    """Print both models, at each hundredth step and within the share that is the default."""
    torch.set_num_threads(1)
    for name, build in (("three dense layers", dense), ("three convolutions", convolutions)):
        print(f"{name}, every 100 steps:  {train(build, None)}", flush=True)
        print(f"{name}, at most 2 %:      {train(build, 0.02)}", flush=True)


if __name__ == "__main__":
    main()
