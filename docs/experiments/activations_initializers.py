# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Activations times initializers
#
# !!! question "The question"
#
#     Which pairs of activation and initializer train a deep network on images of digits, and which of the
#     working pairs can be told apart at all?
#
# The [pairing table](../initializers/pairing.md) gives each activation an initializer by theory. This
# notebook tries all pairs of six activations and five initializers, each with the same eight seeds.
#
# **The rule, set before the run.**
#
# - A pair *works* when its test accuracy is above one half for every seed.
# - Two pairs *can be told apart* when their accuracies, compared seed by seed, differ on average by more
#   than two standard errors of that difference. Many comparisons are made, so a few will pass by chance;
#   the rule is multiplied out below (Bonferroni) to guard against that.
#
# A seed fixes the split, the weights and the shuffling, so comparing seed by seed takes out what both pairs
# share.

# %%
import math

import numpy as np
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from livegrad import MLP, activations, figures, measure

ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu"]
INITIALIZERS = [
    "random_normal",
    "lecun_normal",
    "glorot_uniform",
    "he_normal",
    "orthogonal",
]
SEEDS = range(8)
WIDTHS = [64] + 6 * [32] + [10]  # six hidden layers

x, y = load_digits(return_X_y=True)  # (1797, 64), (1797,)
x = x / 16  # pixels from 0 to 1


def split(seed):
    """Return a split into halves of training and test images that the seed fixes."""
    return train_test_split(x, y, test_size=0.5, stratify=y, random_state=seed)


# %% [markdown]
# ## The runs
#
# The network is `livegrad.MLP`: six hidden layers are small enough for plain NumPy. All pairs get the same
# learning rate. That is part of the question, "what works without tuning?", and a limit of the answer.


# %%
def run(activation, initializer, seed):
    """Return the product of gains before training, and the test accuracy after it."""
    x_train, x_test, y_train, y_test = split(seed)
    net = MLP(WIDTHS, activation, initializer, head="multiclass", rng=seed)
    gain = measure(net, x_train, y_train).gain
    net.fit(
        x_train, y_train, epochs=12, learning_rate=0.05, momentum=0.9, progress=False
    )
    return gain, net.accuracy(x_test, y_test)


results = np.array(
    [
        [[run(a, i, seed) for seed in SEEDS] for i in INITIALIZERS]
        for a in ACTIVATIONS
    ]
)  # (activations, initializers, seeds, 2)
gains, accuracy = results[..., 0], results[..., 1]  # (activations, initializers, seeds)
print("all finite:", bool(np.isfinite(accuracy).all()))

# %%
figures.heatmap(
    accuracy.mean(axis=2), ACTIVATIONS, INITIALIZERS, label="mean test accuracy"
)

# %%
figures.heatmap(
    accuracy.max(axis=2) - accuracy.min(axis=2),
    ACTIVATIONS,
    INITIALIZERS,
    label="spread of the accuracy (largest minus smallest seed)",
)
# %%
print(gains.mean(axis=2)); print(accuracy.mean(axis=2).round(3)); print(accuracy.min(axis=2).round(3)); print(accuracy.max(axis=2).round(3))
