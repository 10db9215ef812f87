"""What to change, in PyTorch's own words."""

from __future__ import annotations

import re

from livegrad.doctor._facts import Layer, Optimizer, Weight

__all__ = ["WORDS"]

_INITIALIZERS = {
    "he_normal": 'nn.init.kaiming_normal_({}, nonlinearity="relu")',
    "he_uniform": 'nn.init.kaiming_uniform_({}, nonlinearity="relu")',
    "glorot_uniform": "nn.init.xavier_uniform_({})",
    "glorot_normal": "nn.init.xavier_normal_({})",
    "lecun_normal": 'nn.init.kaiming_normal_({}, nonlinearity="linear")',
    "lecun_uniform": 'nn.init.kaiming_uniform_({}, nonlinearity="linear")',
    "orthogonal": "nn.init.orthogonal_({})",
    "zeros": "nn.init.zeros_({})",
}
_ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "sigmoid": "nn.Sigmoid()",
    "softmax": "nn.Softmax(dim=-1)",
    "tanh": "nn.Tanh()",
    "exponential": "torch.exp",
}
_LOSSES = {
    "binarycrossentropy": "nn.BCELoss()",
    "categoricalcrossentropy": "nn.CrossEntropyLoss()",
    "sparsecategoricalcrossentropy": "nn.CrossEntropyLoss()",
    "meansquarederror": "nn.MSELoss()",
}


def place(name: str) -> str:
    """Return how a module of that name is reached: ``model.features[0]``."""
    return re.sub(r"\.(\d+)", r"[\1]", f"model.{name}")


def _at(layer: Layer) -> str:
    """Return how a module is reached, which may be the model itself."""
    own = layer.weights and not any("." in weight.path for weight in layer.weights.values())
    return "model" if own else place(layer.name)


def _reached(layer: Layer, name: str) -> str:
    """Return how a weight is reached, whichever module or function uses it."""
    own = {"kernel": "weight", "gamma": "weight", "beta": "bias"}.get(name, name)
    path = layer.weights[name].path if name in layer.weights else f"{layer.name}.{own}"
    return place(path)


def _called(activation: str) -> str:
    if activation in ("softmax", "log_softmax"):
        return f"torch.{activation}(x, dim=-1)"
    return f"F.{activation}(x)" if activation not in ("linear", "none", "unknown") else "x"


class _Words:
    """Lines of PyTorch code."""

    def layer(
        self,
        layer: Layer,
        *,
        units: int | None = None,
        activation: str | None = None,
        initializer: str | None = None,
        bias: str | None = None,
    ) -> str:
        """The layer once more, with these arguments."""
        if layer.origin is None and not layer.weights:
            # A function: what stands in its place.
            return f"x = {_called(activation or layer.activation)}"
        at, lines = _at(layer), []
        if activation in _ACTIVATIONS:
            lines.append(f"nn.Sequential({at}, {_ACTIVATIONS[activation]})")
        if initializer is not None:
            drawn = _INITIALIZERS.get(initializer, "nn.init.xavier_uniform_({})")
            lines.append(drawn.format(_reached(layer, "kernel")))
        if bias is not None:
            lines.append(_INITIALIZERS[bias].format(_reached(layer, "bias")))
        return "; ".join(lines) or f"nn.{layer.type}(...)"

    def dense(self, units: int, activation: str, initializer: str | None = None) -> str:
        """A dense layer; what a loss of logits takes has no activation."""
        bent = _ACTIVATIONS.get(activation)
        line = f"nn.Linear(..., {units})"
        return line if bent is None else f"nn.Sequential({line}, {bent})"

    def without(self, layer: Layer) -> str:
        """The model without the layer."""
        if layer.origin is None:
            return f"x = hidden  # without {layer.name}"
        return f"{_at(layer)} = nn.Identity()"

    def mask(self, rate: float) -> str:
        """A dropout layer."""
        return f"nn.Dropout({rate:g})"

    def restart(self, layer: Layer, weight: Weight) -> str:
        """The weight drawn anew."""
        at = _reached(layer, weight.name)
        if weight.name in ("gamma", "running_var"):
            return f"nn.init.ones_({at})"
        return f"nn.init.{'xavier_uniform_' if len(weight.shape) > 1 else 'zeros_'}({at})"

    def thaw(self, layer: Layer | None) -> str:
        """The layer, or the model, made trainable."""
        if layer is None:
            return "model.requires_grad_(True)"
        at = _reached(layer, "kernel") if layer.origin is None else _at(layer)
        return f"{at}.requires_grad_(True)"

    def finite(self) -> str:
        """A logarithm and a division that stay finite."""
        return "torch.log(x.clamp(min=1e-7))  # or / x.clamp(min=1e-7)"

    def stable(self) -> str:
        """A loss that is finite for any output."""
        return "nn.BCEWithLogitsLoss()  # stable for any output"

    def scale(self, pixels: bool) -> str:
        """The inputs scaled."""
        return "x = x / 127.5 - 1" if pixels else "x = (x - x.mean(0)) / x.std(0)"

    def normalise(self) -> str:
        """A normalisation before each block."""
        return "x = nn.LayerNorm(x.shape[-1])(x)  # before each block"

    def rate(self, rate: float, optimizer: Optimizer) -> str:
        """The learning rate set."""
        return f'for group in optimizer.param_groups: group["lr"] = {rate:g}'

    def loss(self, kind: str, logits: bool = False) -> str:
        """The loss set."""
        if logits and kind == "binarycrossentropy":
            return "loss = nn.BCEWithLogitsLoss()"
        return f"loss = {_LOSSES.get(kind, 'nn.CrossEntropyLoss()')}"

    def with_loss(self, layer: str, kind: str) -> str:
        """An output layer together with its loss."""
        if kind == "sparsecategoricalcrossentropy":  # which takes logits
            layer = layer.removeprefix("nn.Sequential(").removesuffix(", nn.Softmax(dim=-1))")
        if kind == "binarycrossentropy":
            layer = layer.removeprefix("nn.Sequential(").removesuffix(", nn.Sigmoid())")
            return f"{layer}; {self.loss(kind, logits=True)}"
        return f"{layer}; {self.loss(kind)}"

    def metric(self, kind: str, threshold: float | None = None) -> str:
        """The metric set."""
        if threshold is not None:
            return f"right = (output > {threshold:g}) == (y > 0.5)"
        return "right = (output - y).abs()" if "error" in kind else "right = output.argmax(-1) == y"

    def columns(self) -> str:
        """Class numbers made columns."""
        return "y = F.one_hot(y).float()"

    def smooth(self) -> str:
        """Something with a slope in place of what has none."""
        return "torch.softmax(x, -1)  # with a slope; and no detach, .data, .numpy(), round, clamp"

    def again(self) -> str:
        """The optimizer made anew, for all weights."""
        return "optimizer = type(optimizer)(model.parameters(), ...)"

    def lighter(self, layer: Layer, strength: float) -> str:
        """The layer with a weaker penalty."""
        return self.decay(2 * strength)

    def decay(self, strength: float) -> str:
        """The optimizer with a weaker decay."""
        return f'for group in optimizer.param_groups: group["weight_decay"] = {strength:g}'

    def layer_norm(self, layer: Layer) -> str:
        """A normalisation of each example by itself."""
        return f"{_at(layer)} = nn.LayerNorm(...)  # or larger batches"

    def momentum(self, layer: Layer, momentum: float) -> str:
        """A normalisation whose running averages follow faster."""
        return f"{_at(layer)}.momentum = {1 - momentum:g}"

    def recurrent(self, layer: Layer) -> str:
        """A recurrent layer that keeps the size of what it remembers."""
        if layer.type in ("RNN", "RNNCell"):
            own = "weight_hh_l0" if layer.type == "RNN" else "weight_hh"
            return f"nn.init.orthogonal_({_at(layer)}.{own})  # or an nn.LSTM"
        return "x = x[:, ::k]  # fewer steps; or attention, which reaches all steps at once"

    def masked(self) -> str:
        """Padding left out."""
        return "nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)"

    def attend(self) -> str:
        """Attention with queries and keys of a fair size."""
        return "scores = torch.softmax(q @ k.mT / d**0.5, -1)  # d: entries of a key"

    def soft(self, layer: Layer) -> str:
        """A softmax over the last axis."""
        if layer.origin is None:
            return "x = torch.softmax(x, dim=-1)"
        return f"{_at(layer)} = nn.Softmax(dim=-1)"

    def training(self, layer: Layer) -> str:
        """The layer called as in training."""
        return f"{_at(layer)}.train()  # and F.batch_norm(..., training=True)"

    def apart(self, layer: Layer) -> str:
        """The axes in an order in which examples stay apart."""
        if layer.kind in ("recurrent", "attention"):
            return f"nn.{layer.type}(..., batch_first=True)  # x is (examples, steps, features)"
        return "x = x.transpose(0, 1)  # before view or reshape: examples first"

    def tracked(self) -> str:
        """Layers kept where the model finds them."""
        return "self.layers = nn.ModuleList(layers)  # and the optimizer made anew"

    def half(self) -> str:
        """The loss scaled for half precision."""
        return "scaler = torch.amp.GradScaler()"

    def batch(self, size: int) -> str:
        """Batches of another size."""
        return f"DataLoader(..., batch_size={size})"

    def targets(self) -> str:
        """The targets standardised."""
        return "y = (y - y.mean()) / y.std()  # and the answers turned back"


WORDS = _Words()
