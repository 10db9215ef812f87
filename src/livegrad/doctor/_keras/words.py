"""What to change, in Keras's own words."""

from __future__ import annotations

from livegrad.doctor._facts import Layer, Optimizer, Weight

__all__ = ["WORDS"]

_LOSSES = {
    "binarycrossentropy": ("binary_crossentropy", "BinaryCrossentropy"),
    "categoricalcrossentropy": ("categorical_crossentropy", "CategoricalCrossentropy"),
    "sparsecategoricalcrossentropy": (
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
    ),
    "binaryfocalcrossentropy": ("binary_focal_crossentropy", "BinaryFocalCrossentropy"),
    "categoricalfocalcrossentropy": (
        "categorical_focal_crossentropy",
        "CategoricalFocalCrossentropy",
    ),
    "meansquarederror": ("mean_squared_error", "MeanSquaredError"),
}


class _Words:
    """Lines of Keras code."""

    def layer(
        self,
        layer: Layer,
        *,
        units: int | None = None,
        activation: str | None = None,
        initializer: str | None = None,
        bias: str | None = None,
    ) -> str:
        """The layer once more, with these arguments; with an ellipsis where units are left out."""
        given = ["..." if units is None else f"{units}"]
        pairs = {
            "activation": activation,
            "kernel_initializer": initializer,
            "bias_initializer": bias,
        }
        given += [f'{name}="{value}"' for name, value in pairs.items() if value is not None]
        return f"keras.layers.{layer.type}({', '.join(given)})"

    def dense(self, units: int, activation: str, initializer: str | None = None) -> str:
        """A dense layer."""
        shown = "" if activation in ("linear", "unknown") else f', activation="{activation}"'
        start = "" if initializer is None else f', kernel_initializer="{initializer}"'
        return f"keras.layers.Dense({units}{shown}{start})"

    def without(self, layer: Layer) -> str:
        """The model without the layer."""
        return f"x = hidden; y = keras.layers.Dense(...)(x)  # without {layer.name}"

    def mask(self, rate: float) -> str:
        """A dropout layer."""
        return f"keras.layers.Dropout({rate:g})"

    def restart(self, layer: Layer, weight: Weight) -> str:
        """The weight drawn anew."""
        start = "Ones" if weight.name in ("gamma", "moving_variance") else "Zeros"
        start = "GlorotUniform" if weight.name == "kernel" else start
        return (
            f'model.get_layer("{layer.name}").{weight.name}.assign'
            f"(keras.initializers.{start}()({weight.value.shape}))"
        )

    def thaw(self, layer: Layer | None) -> str:
        """The layer, or the model, made trainable."""
        what = "model" if layer is None else f'model.get_layer("{layer.within or layer.name}")'
        return f"{what}.trainable = True"

    def finite(self) -> str:
        """A logarithm and a division that stay finite."""
        return "keras.ops.log(keras.ops.maximum(x, keras.config.epsilon()))  # or / maximum(...)"

    def stable(self) -> str:
        """A loss that is finite for any output."""
        return "keras.losses.BinaryCrossentropy(from_logits=True)  # stable for any output"

    def scale(self, pixels: bool) -> str:
        """The inputs scaled."""
        if pixels:
            return "keras.layers.Rescaling(1 / 127.5, offset=-1)  # the first layer"
        return "scale = keras.layers.Normalization(); scale.adapt(x)  # the first layer"

    def normalise(self) -> str:
        """A normalisation before each block."""
        return "x = keras.layers.LayerNormalization()(x)  # before each block"

    def rate(self, rate: float, optimizer: Optimizer) -> str:
        """The learning rate set; that of a schedule cannot be."""
        if optimizer.schedule is not None:
            return f"model.compile(..., optimizer=keras.optimizers.{optimizer.name}({rate:g}))"
        return f"model.optimizer.learning_rate = {rate:g}"

    def loss(self, kind: str, logits: bool = False) -> str:
        """The loss set."""
        name, made = _LOSSES[kind]
        if logits:
            return f"model.compile(..., loss=keras.losses.{made}(from_logits=True))"
        return f'model.compile(..., loss="{name}")'

    def with_loss(self, layer: str, kind: str) -> str:
        """An output layer together with its loss."""
        return f'{layer}; loss="{_LOSSES[kind][0]}"'

    def metric(self, kind: str, threshold: float | None = None) -> str:
        """The metric set."""
        if threshold is not None:
            made = f"keras.metrics.BinaryAccuracy(threshold={threshold})"
            return f"model.compile(..., metrics=[{made}])"
        return f'model.compile(..., metrics=["{kind}"])'

    def columns(self) -> str:
        """Class numbers made columns."""
        return "y = keras.utils.to_categorical(y)"

    def smooth(self) -> str:
        """Something with a slope in place of what has none."""
        return "keras.ops.softmax(x)  # with a slope; and no argmax, round, clip, stop_gradient"

    def again(self) -> str:
        """The optimizer made anew, for all weights."""
        return "model.compile(...)  # again, after trainable was changed"

    def lighter(self, layer: Layer, strength: float) -> str:
        """The layer with a weaker penalty."""
        made = f"keras.regularizers.L2({strength:g})"
        return f"keras.layers.{layer.type}(..., kernel_regularizer={made})"

    def decay(self, strength: float) -> str:
        """The optimizer with a weaker decay."""
        return f"model.optimizer.weight_decay = {strength:g}"

    def layer_norm(self, layer: Layer) -> str:
        """A normalisation of each example by itself."""
        return f"keras.layers.LayerNormalization()  # in place of {layer.name}; or larger batches"

    def momentum(self, layer: Layer, momentum: float) -> str:
        """A normalisation whose running averages follow faster."""
        return f"keras.layers.{layer.type}(momentum={momentum:g})"

    def recurrent(self, layer: Layer) -> str:
        """A recurrent layer that keeps the size of what it remembers."""
        if layer.type == "SimpleRNN":
            return 'keras.layers.SimpleRNN(..., recurrent_initializer="orthogonal")  # or an LSTM'
        return "x = x[:, ::k]  # fewer steps; or attention, which reaches all steps at once"

    def masked(self) -> str:
        """Padding left out."""
        return "keras.layers.Embedding(..., mask_zero=True)  # or Masking(); or padding in front"

    def attend(self) -> str:
        """Attention with queries and keys of a fair size."""
        return "scores = keras.ops.softmax(q @ k.T / keras.ops.sqrt(d))  # d: entries of a key"

    def soft(self, layer: Layer) -> str:
        """A softmax over the last axis."""
        return "keras.layers.Softmax(axis=-1)"

    def training(self, layer: Layer) -> str:
        """The layer called as in training."""
        return f"x = self.{layer.name}(x, training=training)"

    def apart(self, layer: Layer) -> str:
        """The axes in an order in which examples stay apart."""
        return "x = keras.ops.transpose(x, (1, 0, 2))  # before a reshape: examples first"

    def tracked(self) -> str:
        """Layers kept where the model finds them."""
        return "self.inner = [keras.layers.Dense(...), ...]  # set in __init__"

    def half(self) -> str:
        """The loss scaled for half precision."""
        return "optimizer = keras.optimizers.LossScaleOptimizer(optimizer)"

    def batch(self, size: int) -> str:
        """Batches of another size."""
        return f"model.fit(..., batch_size={size})"

    def targets(self) -> str:
        """The targets standardised."""
        return "y = (y - y.mean()) / y.std()  # and the answers turned back"


WORDS = _Words()
