"""Writes what the training leaves in the repository."""

import json

import numpy

import dataset


def accuracy(trained, exported, labels):
    """How many of the images the trainer and the exported file put into the right class, and how far they differ."""
    right = {"jax": trained, "onnxruntime": exported}
    right = {name: int((values.argmax(1) == labels).sum()) for name, values in right.items()}
    return {
        "images": len(labels),
        "right": right,
        "accuracy": {name: round(count / len(labels), 4) for name, count in right.items()},
        "largest_difference": float(numpy.abs(trained - exported).max()),
    }


def model(folder, serialized, facts):
    version = folder / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version / "model.onnx").write_bytes(serialized)
    (version / "labels.txt").write_text("".join(f"{label}\n" for label in dataset.LABELS))
    _document(folder / "accuracy.json", facts)


def examples(folder, image, answer):
    """The same picture as a request of each protocol, with the answer to the numbers that it carries."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [[f"{value:.4f}".rstrip("0").rstrip(".") for value in row] for row in image / 255]
    lines = [",".join(row) for row in rows]
    flat = ",\n".join(lines)
    nested = ",\n".join(f"[{line}]" for line in lines)
    (folder / "request-v2.json").write_text(
        '{"inputs":[{"name":"image","datatype":"FP32","shape":[1,1,28,28],"data":[\n' + flat + "\n]}]}\n"
    )
    (folder / "request-v1.json").write_text('{"instances":[[[\n' + nested + "\n]]]}\n")

    tensor = numpy.array(rows, numpy.float32)[None, None]
    row = [round(float(value), 6) for value in answer(tensor)[0]]
    output = {"name": "probabilities", "datatype": "FP32", "shape": [1, len(row)], "data": row}
    _document(
        folder / "response-v2.json", {"model_name": "fashion", "model_version": "1", "outputs": [output]}, indent=None
    )
    _document(folder / "response-v1.json", {"predictions": [row]}, indent=None)


def fixture(folder, images, labels, trained):
    """Raw arrays for the end-to-end tests: uint8 [n, 28, 28], uint8 [n], little-endian float32 [n, 10]."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "images.u8").write_bytes(images.tobytes())
    (folder / "labels.u8").write_bytes(labels.tobytes())
    (folder / "probabilities.f32").write_bytes(trained.astype("<f4").tobytes())
    right = int((trained.argmax(1) == labels).sum())
    _document(folder / "expected.json", {"images": len(labels), "right": right, "accuracy": right / len(labels)})


def _document(path, value, indent=2):
    path.write_text(json.dumps(value, indent=indent) + "\n")
