"""Methods that a person would try instead of `imagestore train`, on small gray pictures."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.example_libraries import optimizers, stax
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

_EPOCHS, _BATCH, _STEP = 30, 64, 1e-3

Rival = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Learns from pictures uint8 [n, 28, 28] and their classes [n]; answers pictures uint8 [m, 28, 28] with classes [m]."""


def pixels(pictures: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Logistic regression on the pixels."""
    learner = LogisticRegression(C=0.1, max_iter=300).fit(_flat(pictures), classes)
    return np.asarray(learner.predict(_flat(asked)))


def linear_hog(pictures: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """A linear support vector machine on histograms of oriented gradients."""
    learner = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=0))
    return np.asarray(learner.fit(_hogs(pictures), classes).predict(_hogs(asked)))


def rbf_hog(pictures: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """A support vector machine with a radial kernel on the same, finer histograms."""
    learner = SVC(C=10, gamma="scale").fit(_hogs(pictures, cell=4), classes)
    return np.asarray(learner.predict(_hogs(asked, cell=4)))


def small_network(pictures: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """A network of two convolutions and two dense layers, trained from nothing: Adam, dropout, mirrored pictures."""
    start, answer = _network(is_training=True)
    _, answer_surely = _network(is_training=False)
    key, random = jax.random.PRNGKey(1), np.random.default_rng(1)
    _, weights = start(key, (-1, 28, 28, 1))
    begin, update, weights_of = optimizers.adam(_STEP)

    def loss(weights: optimizers.Params, batch: jax.Array, truth: jax.Array, key: jax.Array) -> jax.Array:
        return -jnp.mean(answer(weights, batch, rng=key)[jnp.arange(len(truth)), truth])

    def step(
        number: int, state: optimizers.OptimizerState, batch: jax.Array, truth: jax.Array, key: jax.Array
    ) -> optimizers.OptimizerState:
        return update(number, jax.grad(loss)(weights_of(state), batch, truth, key), state)

    fast_step = jax.jit(step)
    state, number, planes = begin(weights), 0, _planes(pictures)
    for _ in range(_EPOCHS):
        order = random.permutation(len(planes))
        for at in range(0, len(order) - _BATCH + 1, _BATCH):
            chosen = order[at : at + _BATCH]
            is_mirrored = random.random(_BATCH) < 0.5
            batch = np.where(is_mirrored[:, None, None, None], planes[chosen][:, :, ::-1], planes[chosen])
            state = fast_step(number, state, batch, classes[chosen].astype(np.int32), jax.random.fold_in(key, number))
            number += 1
    ask = jax.jit(lambda batch: answer_surely(weights_of(state), batch, rng=key).argmax(axis=1))
    parts = np.array_split(_planes(asked), max(1, len(asked) // 500))
    return np.concatenate([np.asarray(ask(part)) for part in parts])


RIVALS: dict[str, Rival] = {
    "Raw pixels, logistic regression": pixels,
    "HOG + linear SVM": linear_hog,
    "HOG + RBF-SVM": rbf_hog,
    "Small convolutional network from scratch": small_network,
}


def _network(*, is_training: bool) -> tuple[Callable, Callable]:
    """(start, answer) of the network; it answers with the logarithms of the classes' probabilities."""
    layers = []
    for channels in (32, 64):
        layers += [stax.Conv(channels, (3, 3), padding="SAME"), stax.Relu, stax.MaxPool((2, 2), strides=(2, 2))]
    drop = stax.Dropout(0.5, mode="train" if is_training else "test")  # stax: the share that is kept
    network: tuple[Callable, Callable] = stax.serial(
        *layers, stax.Flatten, stax.Dense(128), stax.Relu, drop, stax.Dense(10), stax.LogSoftmax
    )
    return network


def _flat(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1) / 255


def _planes(pictures: np.ndarray) -> np.ndarray:
    return (pictures[..., None] / 255).astype(np.float32)


def _hogs(pictures: np.ndarray, cell: int = 7) -> np.ndarray:
    return np.stack([hog(p, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for p in pictures])
