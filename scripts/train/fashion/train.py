#!/usr/bin/env python3
"""Trains models/fashion on Fashion-MNIST and writes the model, its accuracy, its examples and the test fixture.

    apt-get install dataset-fashion-mnist
    python3 -m venv /tmp/fashion && /tmp/fashion/bin/pip install -r scripts/train/fashion/requirements.txt
    /tmp/fashion/bin/python scripts/train/fashion/train.py

One core, the same seed, the same versions and the same kind of processor give the same file again. 5,000 of the
training images are kept aside to see how training goes; the 10,000 test images take no part before the last evaluation.
"""

import argparse
import math
import os
import pathlib
import platform
import time

# One thread: the sums of a convolution then always run in the same order.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy
import onnx
import onnxruntime

import dataset
import export
import network
import record

ROOT = pathlib.Path(__file__).resolve().parents[3]
BATCH = 128
VALIDATION = 5000
PEAK_RATE = 4e-3


def learning_rate(progress):
    """Rises over the first fifth of the training, then falls along a cosine to nearly zero."""
    if progress < 0.2:
        return PEAK_RATE * (0.05 + 0.95 * progress / 0.2)
    return PEAK_RATE * (0.001 + 0.999 * (1 + math.cos(math.pi * (progress - 0.2) / 0.8)) / 2)


def train(images, labels, epochs, seed):
    seen, seen_labels = dataset.scaled(images[-VALIDATION:]), labels[-VALIDATION:]
    images, labels = images[:-VALIDATION], labels[:-VALIDATION]
    generator = numpy.random.default_rng(seed)
    weights, statistics = network.initial(seed)
    zeros = jax.tree.map(lambda leaf: 0 * leaf, weights)
    moments = (zeros, zeros)
    steps = len(images) // BATCH
    count, began = 0, time.monotonic()
    for epoch in range(epochs):
        order, total = generator.permutation(len(images)), 0.0
        for index in range(steps):
            chosen = order[index * BATCH : (index + 1) * BATCH]
            batch = dataset.scaled(dataset.varied(images[chosen], generator))
            rate = learning_rate(count / (epochs * steps))
            count += 1
            weights, statistics, moments, value = network.step(
                weights, statistics, moments, batch, labels[chosen], float(count), rate
            )
            total += value
        validation = (by_trainer(weights, statistics, seen).argmax(1) == seen_labels).mean()
        seconds = time.monotonic() - began
        print(
            f"epoch {epoch + 1}/{epochs}: loss {float(total) / steps:.4f}, "
            f"validation {validation:.4f}, {seconds:.0f} s",
            flush=True,
        )
    return jax.tree.map(numpy.asarray, (weights, statistics))


def by_trainer(weights, statistics, images):
    parts = [network.probabilities(weights, statistics, images[i : i + 500]) for i in range(0, len(images), 500)]
    return numpy.concatenate([numpy.asarray(part) for part in parts])


def by_onnxruntime(serialized, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])
    parts = [session.run(None, {"image": images[i : i + 500]})[0] for i in range(0, len(images), 500)]
    return numpy.concatenate(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder (this repository)")
    arguments = parser.parse_args()

    weights, statistics = train(*dataset.read("train"), arguments.epochs, arguments.seed)
    serialized = export.model(weights, statistics).SerializeToString(deterministic=True)

    images, labels = dataset.read("t10k")
    trained = by_trainer(weights, statistics, dataset.scaled(images))
    exported = by_onnxruntime(serialized, dataset.scaled(images))
    facts = {
        "trained_on": "55000 of the 60000 training images of Fashion-MNIST",
        "epochs": arguments.epochs,
        "seed": arguments.seed,
        "parameters": sum(leaf.size for leaf in weights.values()),
        "bytes": len(serialized),
        "held_back": record.accuracy(trained, exported, labels),
        "versions": {
            "python": platform.python_version(),
            "jax": jax.__version__,
            "numpy": numpy.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
    record.model(arguments.root / "models/fashion", serialized, facts)
    record.examples(arguments.root / "models/fashion/example", images[0], lambda x: by_onnxruntime(serialized, x))
    fixture = arguments.root / "Tests/EndToEndTests/Fixtures/fashion"
    record.fixture(fixture, images[:500], labels[:500], trained[:500])
    print(facts["held_back"])


if __name__ == "__main__":
    main()
