"""Fashion-MNIST as Debian's package dataset-fashion-mnist installs it (MIT licence, Zalando SE)."""

import gzip
import pathlib

import numpy

FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")

LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def read(part):
    """The images (uint8 [n, 28, 28]) and labels (uint8 [n]) of one part: "train" or "t10k"."""
    if not FOLDER.is_dir():
        raise SystemExit(f"{FOLDER} is missing: install it with apt-get install dataset-fashion-mnist")
    images = _idx(FOLDER / f"{part}-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
    labels = _idx(FOLDER / f"{part}-labels-idx1-ubyte.gz", header=8)
    assert len(images) == len(labels), f"{part}: {len(images)} images, {len(labels)} labels"
    return images, labels


def _idx(path, header):
    return numpy.frombuffer(gzip.decompress(path.read_bytes()), numpy.uint8, offset=header)


def scaled(images):
    """The tensor that the model takes: float32 [n, 1, 28, 28], pixels divided by 255."""
    return (images[:, None].astype(numpy.float32)) / numpy.float32(255)


def varied(images, generator):
    """A batch as training sees it: half of the images mirrored, each shifted by up to a pixel."""
    mirrored = generator.random(len(images)) < 0.5
    images = numpy.where(mirrored[:, None, None], images[:, :, ::-1], images)
    padded = numpy.pad(images, ((0, 0), (1, 1), (1, 1)))
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    top, left = generator.integers(0, 3, (2, len(images)))
    return windows[numpy.arange(len(images)), top, left]
