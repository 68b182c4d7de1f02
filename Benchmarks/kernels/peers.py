"""What Swerve's kernels are compared with: each function gives a case as something to call, or None."""
import ctypes
import ctypes.util

import numpy
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

random = numpy.random.default_rng(1)
some = random.random(1 << 20, dtype=numpy.float32) - 0.5


def floats(*shape):
    return numpy.resize(some, shape)


def integers(case, *shape):
    """Weights of seven bits unless the case says eight: of those the sums of onnxruntime saturate where the CPU has no
    VNNI, and so are wrong."""
    bound = 127 if case.get("bits") == 8 else 64
    return random.integers(-bound, bound, shape).astype(numpy.int8)


def onnxruntime_session(nodes, constants, x, outputs, threads):
    """A model of these nodes with its input and outputs bound, so that a run copies nothing.

    The outputs have the input's type."""
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    inputs = [helper.make_tensor_value_info("x", kind, x.shape)]
    values = [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "case", inputs, values, initializers)
    operators = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=operators, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    for name, shape in outputs:
        binding.bind_ortvalue_output(
            name, onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, x.dtype))
    return lambda: session.run_with_iobinding(binding)


def convolution_operands(case):
    kernel, size = case["kernel"], case["size"]
    x = floats(case["batch"], case["inputs"], size, size)
    weights = floats(case["outputs"], case["inputs"] // case["groups"], kernel, kernel)
    return x, weights, floats(case["outputs"])


def convolution_onnxruntime(case, threads):
    x, weights, bias = convolution_operands(case)
    kernel, stride = case["kernel"], case["stride"]
    size = (case["size"] + 2 * (kernel // 2) - kernel) // stride + 1
    nodes = [
        helper.make_node(
            "Conv", ["x", "w", "b"], ["c"], kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4,
            strides=[stride] * 2, group=case["groups"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    outputs = [("y", [case["batch"], case["outputs"], size, size])]
    return onnxruntime_session(nodes, {"w": weights, "b": bias}, x, outputs, threads)


def convolution_torch(case, threads):
    x, weights, bias = map(torch.from_numpy, convolution_operands(case))
    layout = torch.channels_last if case["layout"] == "channels-last" else torch.contiguous_format
    x = x.contiguous(memory_format=layout)
    weights = weights.contiguous(memory_format=layout)
    padding, stride, groups = [case["kernel"] // 2] * 2, [case["stride"]] * 2, case["groups"]
    try:
        # oneDNN with weights in its own order and Relu fused, which is what torch.compile makes of it.
        packed = torch.ops.mkldnn._reorder_convolution_weight(
            weights, padding, stride, [1, 1], groups, list(x.shape))

        def run():
            return torch.ops.mkldnn._convolution_pointwise(
                x, packed, bias, padding, stride, [1, 1], groups, "relu", [], "")

        run()
        return run
    except (AttributeError, RuntimeError):
        return lambda: torch.conv2d(x, weights, bias, stride, padding, 1, groups).relu_()


def product_onnxruntime(case, threads):
    m, k, n = case["m"], case["k"], case["n"]
    nodes, constants, outputs = [], {"b": floats(n)}, []
    for layer in range(case["layers"]):
        # Different ones: onnxruntime keeps equal constants once, and would read the same one again and again.
        constants[f"w{layer}"] = floats(k, n) + numpy.float32(layer / 1024)
        nodes.append(helper.make_node("Gemm", ["x", f"w{layer}", "b"], [f"y{layer}"]))
        outputs.append((f"y{layer}", [m, n]))
    return onnxruntime_session(nodes, constants, floats(m, k), outputs, threads)


def product_torch(case, threads):
    m, k, n = case["m"], case["k"], case["n"]
    x, bias = torch.from_numpy(floats(m, k)), torch.from_numpy(floats(n))
    try:
        weights = [
            torch.ops.mkldnn._reorder_linear_weight(torch.from_numpy(floats(n, k)), m)
            for _ in range(case["layers"])
        ]

        def run():
            for weight in weights:
                torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")

        run()
        return run
    except (AttributeError, RuntimeError):
        weights = [torch.from_numpy(floats(k, n)) for _ in range(case["layers"])]

        def run():
            for weight in weights:
                torch.addmm(bias, x, weight)

        return run


def openblas():
    """Debian's OpenBLAS, if it is installed."""
    path = ctypes.util.find_library("openblas")
    return ctypes.CDLL(path) if path else None


blas = openblas()


def product_openblas(case, threads):
    """The product alone: OpenBLAS adds no bias."""
    if blas is None:
        return None
    m, k, n = case["m"], case["k"], case["n"]
    x, y = floats(m, k), numpy.empty((m, n), numpy.float32)
    weights = [floats(k, n) for _ in range(case["layers"])]
    blas.openblas_set_num_threads(threads)

    def pointer(array):
        return array.ctypes.data_as(ctypes.c_void_p)

    one, zero = ctypes.c_float(1), ctypes.c_float(0)
    calls = [
        (101, 111, 111, m, n, k, one, pointer(x), k, pointer(weight), n, zero, pointer(y), n)
        for weight in weights
    ]

    def run():
        for arguments in calls:
            blas.cblas_sgemm(*arguments)

    run.operands = (x, y, weights)
    return run


def dynamic_product_onnxruntime(case, threads):
    """The operators of a dynamically quantised model, which onnxruntime fuses."""
    m, k, n = case["m"], case["k"], case["n"]
    constants = {
        "w": integers(case, k, n), "s": numpy.float32([0.01]), "b": floats(n)}
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        helper.make_node("MatMulInteger", ["xq", "w", "xz"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["xs", "s"], ["scale"]),
        helper.make_node("Mul", ["f", "scale"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"]),
    ]
    return onnxruntime_session(nodes, constants, floats(m, k), [("y", [m, n])], threads)


def attention_onnxruntime(case, threads):
    """Queries, keys and values are one tensor here: the session has one input."""
    heads, size, length = case["heads"], case["size"], case["length"]
    width = heads * size
    node = helper.make_node(
        "MultiHeadAttention", ["x", "k", "v"], ["y"], domain="com.microsoft", num_heads=heads)
    constants = {"k": floats(1, length, width), "v": floats(1, length, width)}
    x = floats(1, length, width)
    return onnxruntime_session([node], constants, x, [("y", [1, length, width])], threads)


def attention_torch(case, threads):
    heads, size, length = case["heads"], case["size"], case["length"]
    q, k, v = (torch.from_numpy(floats(1, length, heads, size)).transpose(1, 2) for _ in range(3))
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v)


def recurrent_onnxruntime(case, threads):
    size, steps, batch, gates = case["size"], case["length"], case["batch"], {"LSTM": 4, "GRU": 3}[case["cell"]]
    constants = {
        "w": floats(1, gates * size, size), "r": floats(1, gates * size, size), "b": floats(1, 2 * gates * size)}
    node = helper.make_node(case["cell"], ["x", "w", "r", "b"], ["y"], hidden_size=size)
    return onnxruntime_session(
        [node], constants, floats(steps, batch, size), [("y", [steps, 1, batch, size])], threads)


def integer_convolution_onnxruntime(case, threads):
    """QLinearConv; onnxruntime's own for channels-last images, which saves it turning them."""
    kernel, stride, size = case["kernel"], case["stride"], case["size"]
    out_size = (size + 2 * (kernel // 2) - kernel) // stride + 1
    shape, out_shape = [case["inputs"], size, size], [case["outputs"], out_size, out_size]
    weights = integers(case, case["outputs"], case["inputs"] // case["groups"], kernel, kernel)
    constants = {
        "w": weights, "xs": numpy.float32(0.02), "xz": numpy.uint8(128), "ws": numpy.float32(0.01),
        "wz": numpy.int8(0), "ys": numpy.float32(0.1), "yz": numpy.uint8(0),
        "b": random.integers(-900, 900, case["outputs"]).astype(numpy.int32)}
    attributes = dict(
        kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, strides=[stride] * 2, group=case["groups"])
    if case["layout"] == "channels-last":
        shape, out_shape = shape[1:] + shape[:1], out_shape[1:] + out_shape[:1]
        attributes.update(domain="com.microsoft", channels_last=1)
    node = helper.make_node(
        "QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["y"], **attributes)
    x = random.integers(0, 255, [case["batch"], *shape]).astype(numpy.uint8)
    return onnxruntime_session([node], constants, x, [("y", [case["batch"], *out_shape])], threads)


def integer_convolution_torch(case, threads):
    """oneDNN's, which takes channels-last images only."""
    if case["layout"] != "channels-last":
        return None
    kernel, stride, groups = case["kernel"], case["stride"], case["groups"]
    try:
        torch.backends.quantized.engine = "onednn"
        weights = torch.quantize_per_tensor(
            torch.from_numpy(floats(case["outputs"], case["inputs"] // groups, kernel, kernel)), 0.01, 0,
            torch.qint8)
        x = torch.from_numpy(floats(case["batch"], case["inputs"], case["size"], case["size"]))
        x = torch.quantize_per_tensor(x, 0.02, 64, torch.quint8).contiguous(memory_format=torch.channels_last)
        packed = torch.ops.quantized.conv2d_prepack(
            weights, torch.from_numpy(floats(case["outputs"])), [stride] * 2, [kernel // 2] * 2, [1, 1], groups)
        run = lambda: torch.ops.quantized.conv2d_relu(x, packed, 0.1, 0)
        run()
        return run
    except (AttributeError, RuntimeError, NotImplementedError):
        return None


# What each operation of the kind `values` is in ONNX: a node with its inputs, beside which it has attributes.
ONNX_OPERATIONS = {
    "gelu": "com.microsoft.Gelu", "gelu-tanh": "com.microsoft.FastGelu", "sigmoid": "Sigmoid", "tanh": "Tanh",
    "exp": "Exp", "log": "Log", "erf": "Erf", "softmax": "Softmax", "log-softmax": "LogSoftmax", "add": "Add",
    "multiply": "Mul", "reduce-sum": "ReduceSum", "reduce-mean": "ReduceMean", "reduce-maximum": "ReduceMax",
    "transpose": "Transpose", "max-pool": "MaxPool", "average-pool": "AveragePool",
    "layer-norm": "LayerNormalization", "rms-norm": "SimplifiedLayerNormalization",
}


def values_onnxruntime(case, threads):
    operation, shape = case["operation"], case["shape"]
    inputs, constants, attributes, out_shape = ["x"], {}, {}, shape
    if operation == "silu":
        # onnxruntime makes one node of these.
        nodes = [helper.make_node("Sigmoid", ["x"], ["s"]), helper.make_node("Mul", ["x", "s"], ["y"])]
        return onnxruntime_session(nodes, {}, floats(*shape), [("y", shape)], threads)
    if operation == "group-norm":
        return group_norm_onnxruntime(case, threads)
    if operation in ("add", "multiply"):
        inputs, constants = ["x", "o"], {"o": floats(*case["other"])}
        if case["other"] == shape:
            # Not a constant: that both are read is the point.
            constants = {"o": floats(*shape) + 1}
    elif operation.startswith("reduce"):
        inputs, constants = ["x", "axes"], {"axes": numpy.int64([1])}
        attributes, out_shape = {"keepdims": 0}, [shape[0], shape[2]]
    elif operation == "transpose":
        attributes, out_shape = {"perm": case["other"]}, [shape[axis] for axis in case["other"]]
    elif operation.endswith("pool"):
        kernel, stride, padding, rank = case["kernel"], case["stride"], case["padding"], len(shape) - 1
        attributes = dict(kernel_shape=[kernel] * rank, strides=[stride] * rank, pads=[padding] * 2 * rank)
        shape = [1, *shape]
        out_shape = shape[:2] + [(size + 2 * padding - kernel) // stride + 1 for size in shape[2:]]
    elif operation.endswith("norm"):
        inputs, constants = ["x", "scale", "bias"], {"scale": floats(shape[1]), "bias": floats(shape[1])}
        attributes = {"axis": -1, "epsilon": 1e-5}
        if operation == "rms-norm":
            inputs.pop()
    elif "softmax" in operation:
        attributes = {"axis": -1}
    domain, _, name = ONNX_OPERATIONS[operation].rpartition(".")
    node = helper.make_node(name, inputs, ["y"], domain=domain, **attributes)
    return onnxruntime_session([node], constants, floats(*shape) + 1, [("y", out_shape)], threads)


def group_norm_onnxruntime(case, threads):
    """With one channel a group it is InstanceNormalization; otherwise what exporters make of it."""
    batch, channels, inner = case["shape"]
    groups = case["groups"]
    if groups == channels:
        constants = {"scale": floats(channels), "bias": floats(channels)}
        node = helper.make_node("InstanceNormalization", ["x", "scale", "bias"], ["y"])
        return onnxruntime_session([node], constants, floats(batch, channels, inner), [("y", case["shape"])], threads)
    constants = {
        "grouped": numpy.int64([0, groups, -1]), "whole": numpy.int64([batch, channels, inner]),
        "ones": numpy.ones(groups, numpy.float32), "zeros": numpy.zeros(groups, numpy.float32),
        "scale": floats(channels, 1), "bias": floats(channels, 1)}
    nodes = [
        helper.make_node("Reshape", ["x", "grouped"], ["g"]),
        helper.make_node("InstanceNormalization", ["g", "ones", "zeros"], ["n"]),
        helper.make_node("Reshape", ["n", "whole"], ["w"]),
        helper.make_node("Mul", ["w", "scale"], ["m"]),
        helper.make_node("Add", ["m", "bias"], ["y"]),
    ]
    return onnxruntime_session(nodes, constants, floats(batch, channels, inner), [("y", case["shape"])], threads)


PEERS = {
    "conv": {"onnxruntime": convolution_onnxruntime, "torch": convolution_torch},
    "gemm": {"onnxruntime": product_onnxruntime, "torch": product_torch, "openblas": product_openblas},
    "int8": {"onnxruntime": dynamic_product_onnxruntime},
    "bf16": {},
    "int8 conv": {"onnxruntime": integer_convolution_onnxruntime, "torch": integer_convolution_torch},
    "attention": {"onnxruntime": attention_onnxruntime, "torch": attention_torch},
    "recurrent": {"onnxruntime": recurrent_onnxruntime},
    "values": {"onnxruntime": values_onnxruntime},
}
