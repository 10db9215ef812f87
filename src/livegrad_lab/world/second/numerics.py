"""More faults that people asked about, of numbers, steps and layers; modules of PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.questions.data import digits
from livegrad_lab.world.second.case import TorchPatient, faulty
from livegrad_lab.world.second.modules import row, step, tensor
from livegrad_lab.world.working.parts import blobs


@faulty(
    "depths of which some are told to be 0",
    "the cross-entropy takes the logarithm of a probability that has become 0",
    "non-finite",
    source="github.com/RasmussenLab/vamb issue 12",
    torch=True,
)
def _depths_of_which_some_are_told_to_be_0(mended: bool) -> Patient:
    import torch
    from torch import nn

    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 400)
    # Counts in eight samples, which differ by orders of magnitude.
    x = np.exp(6 * rng.standard_normal((4, 8))[kind] + 0.2 * rng.standard_normal((400, 8)))
    y = x / x.sum(axis=1, keepdims=True)
    x = x / x.mean()
    model = row(
        encoder=nn.Linear(8, 64),
        leaky=nn.LeakyReLU(),
        code=nn.Linear(64, 8),
        decoder=nn.Linear(8, 64),
        leaky_2=nn.LeakyReLU(),
        depths=nn.Linear(64, 8),
        softmax=nn.Softmax(dim=1),
    )

    def entropy(said: Any, label: Any) -> Any:
        return -(label * torch.log(said + (1e-9 if mended else 0))).sum(dim=1).mean()

    given = {"loss": entropy, "optimizer": step("Adam", model, 0.003)}
    return TorchPatient(model, tensor(x), tensor(y), y, "value", 60, 50, **given)


@faulty(
    "logarithm of a variance that nothing bounds",
    "the logarithm of the variance has to be clamped before the exponential",
    "non-finite",
    also=("exploding-signal", "unscaled-input"),
    source="github.com/pyg-team/pytorch_geometric issue 500",
    torch=True,
)
def _logarithm_of_a_variance_that_nothing_bounds(mended: bool) -> Patient:
    import torch
    from torch import nn

    class Variational(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(6, 32)
            self.mean, self.spread = nn.Linear(32, 6), nn.Linear(32, 6)
            self.decoder = nn.Linear(6, 6)

        def forward(self, x: Any) -> Any:
            h = torch.relu(self.hidden(x))
            mean, spread = self.mean(h), self.spread(h)
            spread = spread.clamp(-10, 2) if mended else spread
            noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
            return self.decoder(mean + torch.exp(spread) * noise)

    rng = np.random.default_rng(0)
    # Degrees of nodes: most are small, some are very large.
    x = rng.standard_normal((400, 3)) @ rng.standard_normal((3, 6))
    x[::40] *= 200
    model = Variational()
    given = {"loss": nn.L1Loss(), "optimizer": step("Adam", model, 0.01)}
    return TorchPatient(model, tensor(x), tensor(x), x, "value", 40, 50, **given)


@faulty(
    "probabilities clamped nearer to 1 than a float can be",
    "the epsilon is lost beside 1: it belongs into the logarithm",
    "non-finite",
    also=("precision",),
    source="github.com/NVIDIA/apex issue 358",
    torch=True,
)
def _probabilities_clamped_nearer_to_1_than_a_float_can_be(mended: bool) -> Patient:
    import torch
    from torch import nn

    def focal(said: Any, label: Any) -> Any:
        eps = 1e-8
        said = said.clamp(eps, 1 - eps)
        more = 1e-6 if mended else 0
        ones = label * torch.log(said + more)
        return -(ones + (1 - label) * torch.log(1 - said + more)).mean()

    x = np.random.default_rng(0).standard_normal((400, 6))
    y = (x[:, :1] + x[:, 1:2] > 0).astype("float32")
    model = row(fc_1=nn.Linear(6, 64), relu=nn.ReLU(), fc_2=nn.Linear(64, 1), sigmoid=nn.Sigmoid())
    given = {"loss": focal, "optimizer": step("Adam", model, 0.05)}
    return TorchPatient(model, tensor(8 * x), tensor(y), y, "half", 40, 40, **given)


@faulty(
    "logarithm of a softmax for a mixture of two",
    "the logarithm of a softmax gives nan where the logarithmic softmax does not",
    "non-finite",
    source="github.com/pytorch/pytorch issue 1620",
    torch=True,
)
def _logarithm_of_a_softmax_for_a_mixture_of_two(mended: bool) -> Patient:
    import torch
    from torch import nn

    class Logarithm(nn.Module):  # type: ignore[misc,unused-ignore]
        def forward(self, x: Any) -> Any:
            return torch.log_softmax(x, 1) if mended else torch.log(torch.softmax(x, 1))

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.standard_normal((300, 3)) + 4 * np.eye(3)[y]
    model = row(linear=nn.Linear(3, 3, bias=False), logarithm=Logarithm())
    given = {"loss": nn.NLLLoss(), "optimizer": step("SGD", model, 0.01)}
    x = tensor(50 * x)
    return TorchPatient(model, x, tensor(y, "int64"), y, "class", 20, 20, **given)


@faulty(
    "liver on black, at too large steps",
    "the rate seems too high",
    "learning-rate",
    also=("dead-units",),
    source="github.com/milesial/Pytorch-UNet issue 255",
    torch=True,
)
def _liver_on_black_at_too_large_steps(mended: bool) -> Patient:
    import torch
    from torch import nn

    class UNet(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.Conv2d(3, 8, 3, padding=1)
            self.low = nn.Conv2d(8, 16, 3, padding=1)
            self.up = nn.Conv2d(24, 8, 3, padding=1)
            self.out = nn.Conv2d(8, 1, 1)

        def forward(self, x: Any) -> Any:
            first = torch.relu(self.down(x))
            low = torch.relu(self.low(nn.functional.max_pool2d(first, 2)))
            low = nn.functional.interpolate(low, scale_factor=2)
            return self.out(torch.relu(self.up(torch.cat([first, low], dim=1))))

    pages, disc = blobs(160)
    x, y = pages.transpose(0, 3, 1, 2) / 255, disc[:, None]
    model = UNet()
    optimizer = step("RMSprop", model, 0.0003 if mended else 0.1, momentum=0.9)
    given = {"loss": nn.BCEWithLogitsLoss(), "optimizer": optimizer}
    return TorchPatient(model, tensor(x), tensor(y), y, "zero", 12, 16, **given)


@faulty(
    "exclusive or by two linear layers in a row",
    "between both layers nothing is not linear",
    "no-nonlinearity",
    source="discuss.pytorch.org 13287",
    torch=True,
)
def _exclusive_or_by_two_linear_layers_in_a_row(mended: bool) -> Patient:
    from torch import nn

    x = np.random.default_rng(0).integers(0, 2, (200, 2))
    y = (x[:, :1] != x[:, 1:]).astype("float32")
    model = row(
        linear_1=nn.Linear(2, 16),
        between=nn.ReLU() if mended else nn.Identity(),
        linear_2=nn.Linear(16, 1),
        sigmoid=nn.Sigmoid(),
    )
    given = {"loss": nn.BCELoss(), "optimizer": step("Adam", model, 0.02)}
    return TorchPatient(model, tensor(x), tensor(y), y, "half", 60, 40, **given)


@faulty(
    "twins of embeddings, softmax before the cross-entropy",
    "the softmax was a mistake: the loss does not want it",
    "output-loss-mismatch",
    also=("stacked-activations",),
    source="github.com/nishnik/Deep-Semantic-Similarity-Model-PyTorch issue 2",
    torch=True,
)
def _twins_of_embeddings_softmax_before_the_cross_entropy(mended: bool) -> Patient:
    from torch import nn

    x, y = digits(600)
    model = row(
        query=nn.Linear(64, 48),
        tanh_1=nn.Tanh(),
        semantic=nn.Linear(48, 24),
        tanh_2=nn.Tanh(),
        scores=nn.Linear(24, 10),
        softmax=nn.Identity() if mended else nn.Softmax(dim=1),
    )
    given = {"loss": nn.CrossEntropyLoss(), "optimizer": step("SGD", model, 0.1)}
    label = tensor(y, "int64")
    return TorchPatient(model, tensor(x), label, y, "class", 20, 20, **given)
