"""The network: three times convolution, batch normalisation, ReLU and max pooling; then one linear layer.

    image [batch, 1, 28, 28]
      3x3 -> 32, max pool 2   [batch, 32, 14, 14]
      3x3 -> 64, max pool 2   [batch, 64, 7, 7]
      3x3 -> 96, max pool 2   [batch, 96, 3, 3]
      linear, softmax         [batch, 10]
"""

import jax
import jax.numpy as jnp
import numpy

WIDTHS = (32, 64, 96)
# Height and width of what the linear layer sees: 28 halved three times.
LAST_SIDE = 3
CLASSES = 10
EPSILON = 1e-5
MOMENTUM = 0.9


def initial(seed):
    """Parameters that are learnt, and the running statistics of the batch normalisations."""
    generator = numpy.random.default_rng(seed)
    weights, statistics, inputs = {}, {}, 1
    for index, width in enumerate(WIDTHS):
        deviation = numpy.sqrt(2 / (9 * inputs))
        weights[f"conv{index}"] = generator.normal(0, deviation, (3, 3, inputs, width))
        weights[f"scale{index}"] = numpy.ones(width)
        weights[f"bias{index}"] = numpy.zeros(width)
        statistics[f"mean{index}"] = numpy.zeros(width)
        statistics[f"variance{index}"] = numpy.ones(width)
        inputs = width
    features = inputs * LAST_SIDE * LAST_SIDE
    weights["linear"] = generator.normal(0, numpy.sqrt(1 / features), (features, CLASSES))
    weights["offset"] = numpy.zeros(CLASSES)
    single = lambda tree: jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), tree)
    return single(weights), single(statistics)


def logits(weights, statistics, images, training):
    """Logits [batch, 10] of images [batch, 1, 28, 28], and the statistics after this batch."""
    x = images.transpose(0, 2, 3, 1)
    after = {}
    for index in range(len(WIDTHS)):
        x = jax.lax.conv_general_dilated(
            x, weights[f"conv{index}"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean, variance = statistics[f"mean{index}"], statistics[f"variance{index}"]
        if training:
            batch = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
            after[f"mean{index}"] = MOMENTUM * mean + (1 - MOMENTUM) * batch[0]
            after[f"variance{index}"] = MOMENTUM * variance + (1 - MOMENTUM) * batch[1]
            mean, variance = batch
        x = (x - mean) * jax.lax.rsqrt(variance + EPSILON) * weights[f"scale{index}"] + weights[f"bias{index}"]
        x = halved(jax.nn.relu(x))
    # Features in ONNX' order: channel, row, column.
    features = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    return features @ weights["linear"] + weights["offset"], after


def halved(x):
    """The greatest of each 2x2 square; an odd last row or column is left out."""
    n, h, w, c = x.shape
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


@jax.jit
def probabilities(weights, statistics, images):
    return jax.nn.softmax(logits(weights, statistics, images, training=False)[0])


def loss(weights, statistics, images, labels, smoothing=0.02):
    """Cross-entropy against labels that give `smoothing` of their weight to all classes alike."""
    values, after = logits(weights, statistics, images, training=True)
    wanted = (1 - smoothing) * jax.nn.one_hot(labels, CLASSES) + smoothing / CLASSES
    return -jnp.mean(jnp.sum(wanted * jax.nn.log_softmax(values), -1)), after


@jax.jit
def step(weights, statistics, moments, images, labels, count, rate, decay=5e-4):
    """One step of Adam with decoupled weight decay; `count` begins at 1."""
    (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(weights, statistics, images, labels)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradient)

    def moved(weight, m, v):
        direction = m / (1 - 0.9**count) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8)
        return weight - rate * (direction + decay * weight)

    return jax.tree.map(moved, weights, first, second), statistics, (first, second), value
