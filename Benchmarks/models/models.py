"""Makes the models of Benchmarks/models that are not real ones."""
import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


class Writer:
    """A graph under construction."""

    def __init__(self):
        self.random = numpy.random.default_rng(1)
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value.astype(numpy.float32), name))
        return name

    def weights(self, *shape):
        fan = int(numpy.prod(shape[1:]))
        return self.constant(self.random.normal(0, (2 / fan) ** 0.5, shape))

    def node(self, kind, *inputs, **attributes):
        self.count += 1
        name = f"v{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{self.count}", **attributes))
        return name

    def save(self, path, x, shape, y, classes):
        self.nodes[-1].output[0] = y
        graph = helper.make_graph(
            self.nodes, path.stem, [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(y, TensorProto.FLOAT, ["batch", classes])], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.save(model, str(path))


def resnet50(path):
    """ResNet-50 with random weights: convolutions and batch normalisations as exporters write them."""
    w = Writer()

    def convolution(x, inputs, outputs, kernel, stride, relu=True, gain=1.0):
        x = w.node(
            "Conv", x, w.weights(outputs, inputs, kernel, kernel), kernel_shape=[kernel] * 2,
            strides=[stride] * 2, pads=[kernel // 2] * 4)
        x = w.node(
            "BatchNormalization", x, w.constant(numpy.full(outputs, gain)), w.constant(numpy.full(outputs, 0.01)),
            w.constant(numpy.zeros(outputs)), w.constant(numpy.ones(outputs)))
        return w.node("Relu", x) if relu else x

    x = convolution("input", 3, 64, 7, 2)
    x = w.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        middle = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            shortcut = x if block else convolution(x, inputs, middle * 4, 1, stride, relu=False)
            y = convolution(x, inputs, middle, 1, 1)
            y = convolution(y, middle, middle, 3, stride)
            y = convolution(y, middle, middle * 4, 1, 1, relu=False, gain=0.2)
            x = w.node("Relu", w.node("Add", y, shortcut))
            inputs = middle * 4
    x = w.node("Flatten", w.node("GlobalAveragePool", x))
    w.node("Gemm", x, w.weights(1000, inputs), w.constant(numpy.zeros(1000)), transB=1)
    w.save(path, "input", ["batch", 3, 224, 224], "logits", 1000)


def mlp(path):
    w = Writer()
    x, sizes = "x", (784, 512, 512, 10)
    for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        x = w.node("Gemm", x, w.weights(outputs, inputs), w.constant(w.random.normal(0, 0.1, outputs)), transB=1)
        if index < 2:
            x = w.node("Relu", x)
    w.save(path, "x", ["batch", 784], "y", 10)


def make(folder, real):
    """Writes the models into `folder`, those that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in (("resnet50", resnet50), ("mlp", mlp)):
        path = folder / f"{name}.onnx"
        if not path.exists():
            write(path)
    source, target = real / "minilm-l6" / "model.onnx", folder / "minilm-int8.onnx"
    if source.exists() and not target.exists():
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8)
    return folder
