"""What to change, in the words of Flax NNX and Optax."""

from __future__ import annotations

import re

from livegrad.doctor._facts import Layer, Optimizer, Weight

__all__ = ["WORDS"]

_INITIALIZERS = {
    "he_normal": "nnx.initializers.he_normal()",
    "he_uniform": "nnx.initializers.he_uniform()",
    "glorot_uniform": "nnx.initializers.glorot_uniform()",
    "glorot_normal": "nnx.initializers.glorot_normal()",
    "lecun_normal": "nnx.initializers.lecun_normal()",
    "lecun_uniform": "nnx.initializers.lecun_uniform()",
    "orthogonal": "nnx.initializers.orthogonal()",
    "zeros": "nnx.initializers.zeros_init()",
}
_ACTIVATIONS = {
    "relu": "nnx.relu",
    "sigmoid": "nnx.sigmoid",
    "softmax": "nnx.softmax",
    "tanh": "nnx.tanh",
    "exponential": "jnp.exp",
}
# Probabilities go into no loss of Optax: it takes logits, for which it is stable.
_LOSSES = {
    "binarycrossentropy": "optax.sigmoid_binary_cross_entropy",
    "binaryfocalcrossentropy": "optax.sigmoid_focal_loss",
    "categoricalcrossentropy": "optax.softmax_cross_entropy",
    "categoricalfocalcrossentropy": "optax.softmax_cross_entropy",
    "sparsecategoricalcrossentropy": "optax.softmax_cross_entropy_with_integer_labels",
    "meansquarederror": "optax.squared_error",
}
_OWN = {"gamma": "scale", "beta": "bias", "running_mean": "mean", "running_var": "var"}
# What takes its rate as the first argument.
_RATED = (
    *("sgd", "adam", "adamw", "adagrad", "rmsprop", "lion", "lamb", "radam", "yogi", "adabelief"),
    *("novograd", "amsgrad", "adamax", "adan"),
)


def place(name: str) -> str:
    """Return how a module of that name is reached: ``model.layers[0]``."""
    return re.sub(r"\.(\d+)", r"[\1]", f"model.{name}")


class _Words:
    """Lines of code of Flax NNX and Optax."""

    def layer(
        self,
        layer: Layer,
        *,
        units: int | None = None,
        activation: str | None = None,
        initializer: str | None = None,
        bias: str | None = None,
    ) -> str:
        """The layer once more, with these arguments; a function follows it."""
        given = ["..." if units is None else f"..., {units}"]
        if initializer is not None:
            name = "embedding_init" if layer.kind == "embedding" else "kernel_init"
            given.append(f"{name}={_INITIALIZERS.get(initializer, _INITIALIZERS['lecun_normal'])}")
        if bias is not None:
            given.append(f"bias_init={_INITIALIZERS[bias]}")
        line = f"nnx.{layer.type}({', '.join(given)}, rngs=rngs)"
        bent = _ACTIVATIONS.get(activation or "")
        return line if bent is None else f"{line}  # x = {bent}(...) behind it"

    def dense(self, units: int, activation: str, initializer: str | None = None) -> str:
        """A dense layer; a function follows it."""
        start = "" if initializer is None else f", kernel_init={_INITIALIZERS[initializer]}"
        bent = _ACTIVATIONS.get(activation)
        line = f"nnx.Linear(..., {units}{start}, rngs=rngs)"
        return line if bent is None else f"{line}  # x = {bent}(...) behind it"

    def without(self, layer: Layer) -> str:
        """The model without the layer."""
        if layer.origin is None:
            return f"x = x  # without {layer.type}"
        return f"{place(layer.name)} = nnx.identity"

    def mask(self, rate: float) -> str:
        """A dropout layer."""
        return f"nnx.Dropout({rate:g}, rngs=rngs)"

    def restart(self, layer: Layer, weight: Weight) -> str:
        """The weight drawn anew."""
        at = f"{place(layer.name)}.{_OWN.get(weight.name, weight.name)}"
        if weight.name in ("gamma", "running_var"):
            return f"{at}[...] = jnp.ones({weight.shape})"
        if weight.name == "kernel":
            return f"{at}[...] = nnx.initializers.lecun_normal()(rngs(), {weight.shape})"
        return f"{at}[...] = jnp.zeros({weight.shape})"

    def thaw(self, layer: Layer | None) -> str:
        """The layer, or the model, made trainable."""
        return "optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)  # and the same wrt in nnx.grad"

    def finite(self) -> str:
        """A logarithm and a division that stay finite."""
        return "jnp.log(jnp.maximum(x, 1e-7))  # or / jnp.maximum(x, 1e-7)"

    def stable(self) -> str:
        """A loss that is finite for any output."""
        return "optax.sigmoid_binary_cross_entropy(logits, y)  # stable for any output"

    def scale(self, pixels: bool) -> str:
        """The inputs scaled."""
        return "x = x / 127.5 - 1" if pixels else "x = (x - x.mean(0)) / x.std(0)"

    def normalise(self) -> str:
        """A normalisation before each block."""
        return "x = nnx.LayerNorm(x.shape[-1], rngs=rngs)(x)  # before each block"

    def rate(self, rate: float, optimizer: Optimizer) -> str:
        """The learning rate set; where the optimizer's is not known, as a share of it."""
        if optimizer.name in _RATED:
            return f"tx = optax.{optimizer.name}({rate:g})"
        share = rate / optimizer.rate if optimizer.rate > 0 else rate
        return f"tx = optax.chain(tx, optax.scale({share:g}))"

    def loss(self, kind: str, logits: bool = False) -> str:
        """The loss set; Optax takes logits."""
        return f"loss = {_LOSSES[kind]}(logits, y).mean()"

    def with_loss(self, layer: str, kind: str) -> str:
        """An output layer together with its loss."""
        if kind != "meansquarederror":
            layer, _, _ = layer.partition("  # x = ")
        return f"{layer}; {self.loss(kind)}"

    def metric(self, kind: str, threshold: float | None = None) -> str:
        """The metric set."""
        if threshold is not None:
            return f"right = (logits > {threshold:g}) == (y > 0.5)"
        return "jnp.abs(out - y).mean()" if "error" in kind else "nnx.metrics.Accuracy()"

    def columns(self) -> str:
        """Class numbers made columns."""
        return "y = jax.nn.one_hot(y, classes)"

    def smooth(self) -> str:
        """Something with a slope in place of what has none."""
        return "nnx.softmax(x)  # with a slope; and no argmax, round, clip, stop_gradient"

    def again(self) -> str:
        """The optimizer made anew, for all weights."""
        return "optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)  # after the model is changed"

    def lighter(self, layer: Layer, strength: float) -> str:
        """The layer with a weaker penalty."""
        return self.decay(2 * strength)

    def decay(self, strength: float) -> str:
        """The optimizer with a weaker decay."""
        return f"tx = optax.adamw(..., weight_decay={strength:g})  # or add_decayed_weights"

    def layer_norm(self, layer: Layer) -> str:
        """A normalisation of each example by itself."""
        return f"{place(layer.name)} = nnx.LayerNorm(..., rngs=rngs)  # or larger batches"

    def momentum(self, layer: Layer, momentum: float) -> str:
        """A normalisation whose running averages follow faster."""
        return f"{place(layer.name)}.momentum = {momentum:g}"

    def recurrent(self, layer: Layer) -> str:
        """A recurrent layer that keeps the size of what it remembers."""
        if layer.type == "SimpleCell" or "SimpleCell" in type(_cell(layer)).__name__:
            return (
                "nnx.SimpleCell(..., recurrent_kernel_init=nnx.initializers.orthogonal(), "
                "rngs=rngs)  # or nnx.OptimizedLSTMCell"
            )
        return "x = x[:, ::k]  # fewer steps; or attention, which reaches all steps at once"

    def masked(self) -> str:
        """Padding left out."""
        return "rnn(x, seq_lengths=lengths, return_carry=True)  # the carry of the last word"

    def attend(self) -> str:
        """Attention with queries and keys of a fair size."""
        return "scores = nnx.softmax(q @ k.mT / jnp.sqrt(d))  # d: entries of a key"

    def soft(self, layer: Layer) -> str:
        """A softmax over the last axis."""
        return "nnx.softmax(x, axis=-1)"

    def training(self, layer: Layer) -> str:
        """The layer called as in training."""
        return f"{place(layer.name)}.use_running_average = False"

    def apart(self, layer: Layer) -> str:
        """The axes in an order in which examples stay apart."""
        return "x = x.swapaxes(0, 1)  # before a reshape: examples first"

    def tracked(self) -> str:
        """Layers kept where the model finds them."""
        return "self.inner = nnx.List(layers)"

    def half(self) -> str:
        """The loss scaled for half precision."""
        return "loss = loss * 2**15  # and updates by optax.chain(optax.scale(2**-15), tx)"

    def batch(self, size: int) -> str:
        """Batches of another size."""
        return f"for x, y in batches({size}): ..."

    def targets(self) -> str:
        """The targets standardised."""
        return "y = (y - y.mean()) / y.std()  # and the answers turned back"


def _cell(layer: Layer) -> object:
    """Return the cell of a recurrent layer, or the layer's module."""
    return getattr(layer.origin, "cell", layer.origin)


WORDS = _Words()
