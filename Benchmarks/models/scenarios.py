"""What Benchmarks/models measures: which models, with which inputs."""
import dataclasses
import pathlib

import numpy

random = numpy.random.default_rng(1)


@dataclasses.dataclass
class Scenario:
    """A model with inputs, and the ratio to the best peer that it should reach."""

    name: str
    model: pathlib.Path
    batch: int
    inputs: dict
    precision: str = "f32"
    target: float = 1.0
    #: How far outputs may differ from a peer's, relative to the largest.
    tolerance: float = 1e-3
    peers: tuple = ("onnxruntime", "openvino")


def floats(*shape):
    return random.random(shape, dtype=numpy.float32)


def images(model, batch, size=224, name="input"):
    return {name: floats(batch, 3, size, size) * 2 - 1}


def sentence(batch, length):
    ids = random.integers(1000, 20000, (batch, length))
    return {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}


def prompt(batch, length, past):
    """The inputs of the small language model: `length` new bytes behind `past` ones."""
    positions = numpy.arange(past, past + length)[None].repeat(batch, 0)
    inputs = {"input_ids": random.integers(32, 120, (batch, length)), "position_ids": positions}
    for layer in range(4):
        for kind in ("key", "value"):
            inputs[f"past_key_values.{layer}.{kind}"] = floats(batch, 4, past, 32) - 0.5
    return inputs


def speech(batch):
    return {
        "input": floats(batch, 576) - 0.5, "state": floats(2, batch, 128) - 0.5,
        "sr": numpy.array(16000, numpy.int64),
    }


def scenarios(real, made):
    """The list. `real` holds the models that people use, `made` those of models.py."""
    rows = []

    def add(name, model, batches, inputs, **more):
        if not model.exists():
            return
        rows.extend(Scenario(name, model, batch, inputs(batch), **more) for batch in batches)

    def model(name):
        return real / name / "model.onnx"

    both = (1, 8)
    add("MobileNetV2", model("mobilenet-v2"), both, lambda batch: images("input", batch))
    add("EfficientNet-Lite0", model("efficientnet-lite0"), both, lambda batch: images("input", batch))
    add("ResNet-50", made / "resnet50.onnx", both, lambda batch: images("input", batch))
    add("PP-OCR detection 384×768", model("ppocr4-det"), both, lambda batch: {"x": floats(batch, 3, 384, 768)},
        tolerance=1e-2)
    for length in (16, 128):
        add(f"MiniLM sequence {length}", model("minilm-l6"), both, lambda batch: sentence(batch, length))
    add("Silero VAD", model("silero-vad-16k-op15"), both, speech)
    add("DTLN", model("dtln-1"), (1,), lambda batch: {
        "input_2": floats(1, 1, 257), "input_3": floats(1, 2, 128, 2) - 0.5})
    add("tiny GPT, 64 bytes", model("tiny-gpt-shakespeare"), both, lambda batch: prompt(batch, 64, 0))
    add("tiny GPT, next byte", model("tiny-gpt-shakespeare"), both, lambda batch: prompt(batch, 1, 64))
    add("MLP 784-512-512-10", made / "mlp.onnx", (1, 8, 32), lambda batch: {"x": floats(batch, 784)})
    add("random forest", model("cancer-forest"), both, lambda batch: {"X": floats(batch, 30) * 100})
    add("LightGBM", model("wine-lightgbm"), both, lambda batch: {"X": floats(batch, 13) * 10})
    add("MobileNetV2 int8 (QDQ)", model("mobilenet-v2-int8"), both, lambda batch: images("input", batch),
        precision="int8", target=1.1, tolerance=0.3, peers=("onnxruntime",))
    for length in (16, 128):
        add(f"MiniLM dynamic int8, sequence {length}", made / "minilm-int8.onnx", both,
            lambda batch: sentence(batch, length), precision="int8", target=1.1, tolerance=0.3,
            peers=("onnxruntime",))
    return rows
