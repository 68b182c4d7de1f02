"""Writes the trained network as ONNX: one node a layer, batch size free."""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

import network

OPSET = 17


def model(weights, statistics):
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value, numpy.float32), name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    x = "image"
    for index in range(len(network.WIDTHS)):
        kernel = numpy.transpose(weights[f"conv{index}"], (3, 2, 0, 1))
        x = node(
            "Conv", [x, constant(f"conv{index}.weight", kernel)], f"conv{index}",
            kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1],
        )  # fmt: skip
        x = node(
            "BatchNormalization",
            [
                x,
                constant(f"norm{index}.scale", weights[f"scale{index}"]),
                constant(f"norm{index}.bias", weights[f"bias{index}"]),
                constant(f"norm{index}.mean", statistics[f"mean{index}"]),
                constant(f"norm{index}.variance", statistics[f"variance{index}"]),
            ],
            f"norm{index}",
            epsilon=network.EPSILON,
        )
        x = node("Relu", [x], f"relu{index}")
        x = node("MaxPool", [x], f"pool{index}", kernel_shape=[2, 2], strides=[2, 2])
    x = node("Flatten", [x], "features", axis=1)
    linear = [constant("linear.weight", weights["linear"]), constant("linear.bias", weights["offset"])]
    x = node("Gemm", [x, *linear], "logits")
    node("Softmax", [x], "probabilities", axis=1)

    graph = helper.make_graph(
        nodes,
        "fashion",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", network.CLASSES])],
        constants,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
        producer_name="swerve scripts/train/fashion",
        doc_string="Kind of clothing in a grey 28 x 28 picture. image: pixels / 255.",
    )  # fmt: skip
    onnx.checker.check_model(made, full_check=True)
    return made
