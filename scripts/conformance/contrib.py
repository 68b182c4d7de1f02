"""The operators of com.microsoft, one by one, on random numbers."""

import numpy
from onnx import TensorProto, helper, numpy_helper

from trees import Case

DOMAIN = "com.microsoft"
random = numpy.random.default_rng(0)


def f32(*shape):
    return random.normal(size=shape).astype(numpy.float32)


def u8(*shape):
    return random.integers(0, 256, shape).astype(numpy.uint8)


def s8(*shape):
    return random.integers(-127, 128, shape).astype(numpy.int8)


def scalar(value, dtype=numpy.float32):
    return numpy.array(value, dtype)


def operator(type, inputs, outputs=1, constants=(), relative=1e-3, absolute=1e-4, domain=DOMAIN, **attributes):
    """A model of one node. None leaves an input out; those numbered in `constants` are initializers."""

    def make():
        names, given, initializers, values = [], {}, [], []
        for index, value in enumerate(inputs):
            if value is None:
                names.append("")
                continue
            value = numpy.asarray(value)
            names.append(f"x{index}")
            if index in constants:
                initializers.append(numpy_helper.from_array(value, f"x{index}"))
            else:
                given[f"x{index}"] = value
                dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
                values.append(helper.make_tensor_value_info(f"x{index}", dtype, value.shape))
        results = [f"y{index}" for index in range(outputs)] if isinstance(outputs, int) else list(outputs)
        node = helper.make_node(type, names, results, name="node", domain=domain, **attributes)
        kinds = [helper.make_empty_tensor_value_info(name) for name in results if name]
        graph = helper.make_graph([node], "g", values, kinds, initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)], ir_version=9)
        return Case(with_types(model), given, relative, absolute)

    return make


def with_types(model):
    """The model with the types of its outputs, which onnxruntime infers."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    kinds = {
        "float": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "int32": TensorProto.INT32,
        "int64": TensorProto.INT64, "string": TensorProto.STRING, "bool": TensorProto.BOOL,
        "float16": TensorProto.FLOAT16, "double": TensorProto.DOUBLE, "uint16": TensorProto.UINT16}
    for value, output in zip(model.graph.output, session.get_outputs()):
        value.type.tensor_type.elem_type = kinds[output.type[len("tensor("):-1]]
        shape = value.type.tensor_type.shape
        for size in output.shape:
            dimension = shape.dim.add()
            if isinstance(size, int):
                dimension.dim_value = size
    return model


def attention_cases():
    x, w, b = f32(2, 5, 16), f32(16, 48) * 0.3, f32(48)
    for name, mask in {
        "none": None, "lengths": numpy.array([3, 5], numpy.int32), "ends": numpy.array([4, 5, 1, 0], numpy.int32),
        "matrix": (random.random((2, 5)) > 0.3).astype(numpy.int32),
        "cube": (random.random((2, 5, 5)) > 0.3).astype(numpy.int32),
    }.items():
        yield f"attention_{name}", operator("Attention", [x, w, b, mask], constants=(1, 2), num_heads=4)
    yield "attention_causal", operator("Attention", [x, w, b], num_heads=4, unidirectional=1)
    yield "attention_scale_bias", operator(
        "Attention", [x, w, b, None, None, f32(2, 4, 5, 5)], num_heads=4, scale=0.3)
    past = f32(2, 2, 4, 3, 4)
    yield "attention_past", operator(
        "Attention", [x, w, b, None, past], outputs=2, num_heads=4, unidirectional=1)
    yield "attention_sizes", operator(
        "Attention", [x, f32(16, 16 + 16 + 24) * 0.3, f32(56)], num_heads=4, qkv_hidden_sizes=[16, 16, 24])
    quantized = [u8(2, 5, 16), s8(16, 48), f32(48), scalar(0.02), scalar(0.01),
                 numpy.array([[1, 1, 1, 0, 0], [1] * 5], numpy.int32), scalar(128, numpy.uint8), scalar(0, numpy.int8)]
    yield "q_attention", operator("QAttention", quantized, constants=(1, 2, 3, 4, 6, 7), num_heads=4)
    q, k, v = f32(2, 5, 16), f32(2, 7, 16), f32(2, 7, 16)
    yield "mha", operator("MultiHeadAttention", [q, k, v], num_heads=4)
    yield "mha_bias", operator("MultiHeadAttention", [q, k, v, f32(48)], num_heads=4)
    yield "mha_padding", operator(
        "MultiHeadAttention", [q, k, v, None, numpy.array([4, 7], numpy.int32)], num_heads=4)
    yield "mha_mask", operator(
        "MultiHeadAttention", [q, k, v, None, (random.random((2, 7)) > 0.3).astype(numpy.int32)], num_heads=4)
    yield "mha_attention_bias", operator(
        "MultiHeadAttention", [q, k, v, None, None, f32(1, 4, 5, 7)], num_heads=4, scale=0.4)
    yield "mha_packed", operator("MultiHeadAttention", [f32(2, 5, 4, 3, 4)], num_heads=4)
    yield "mha_packed_pair", operator("MultiHeadAttention", [q, f32(2, 7, 4, 2, 4)], num_heads=4)
    yield "mha_past", operator(
        "MultiHeadAttention", [q, f32(2, 5, 16), f32(2, 5, 16), None, None, None, f32(2, 4, 3, 4), f32(2, 4, 3, 4)],
        outputs=3, num_heads=4, unidirectional=1)
    for name, attributes in {
        "plain": {}, "window": {"local_window_size": 3}, "softcap": {"softcap": 5.0}, "scale": {"scale": 0.5}}.items():
        for past, length in ((0, 6), (4, 1)):
            total = past + length
            inputs = [
                f32(2, length, 32), f32(2, length, 16), f32(2, length, 16), f32(2, 2, past, 8), f32(2, 2, past, 8),
                numpy.full(2, total - 1, numpy.int32), scalar(total, numpy.int32)]
            yield f"gqa_{name}_{past}", operator(
                "GroupQueryAttention", inputs, outputs=3, num_heads=4, kv_num_heads=2, constants=(6,), **attributes)
    angles = numpy.outer(numpy.arange(16), 0.3 ** numpy.arange(4)).astype(numpy.float32)
    for interleaved in (0, 1):
        inputs = [
            f32(2, 3, 64), None, None, f32(2, 2, 4, 8), f32(2, 2, 4, 8), numpy.full(2, 6, numpy.int32),
            scalar(7, numpy.int32), numpy.cos(angles), numpy.sin(angles)]
        yield f"gqa_rotary_{interleaved}", operator(
            "GroupQueryAttention", inputs, outputs=3, num_heads=4, kv_num_heads=2, constants=(6, 7, 8), do_rotary=1,
            rotary_interleaved=interleaved)
        yield f"rotary_{interleaved}", operator(
            "RotaryEmbedding", [f32(2, 3, 32), numpy.array([[0, 1, 2], [4, 5, 6]]), numpy.cos(angles), numpy.sin(angles)],
            interleaved=interleaved)
        yield f"rotary_offset_{interleaved}", operator(
            "RotaryEmbedding", [f32(2, 4, 3, 8), numpy.array([5]), numpy.cos(angles), numpy.sin(angles)],
            interleaved=interleaved)


def quantized_cases():
    one, two, three = scalar(0.02), scalar(0.03), scalar(0.05)
    for name, make, zero in (("u8", u8, scalar(120, numpy.uint8)), ("s8", s8, scalar(-3, numpy.int8))):
        a, b = make(2, 3, 8, 8), make(2, 3, 8, 8)
        step = {"relative": 0, "absolute": 1.01}
        for type in ("QLinearAdd", "QLinearMul"):
            yield f"{type}_{name}", operator(
                type, [a, one, zero, b, two, zero, three, zero], constants=(1, 2, 4, 5, 6, 7), **step)
            yield f"{type}_broadcast_{name}", operator(
                type, [a, one, zero, make(8), two, zero, three, zero], constants=(1, 2, 3, 4, 5, 6, 7), **step)
        for type, more in (("QLinearSigmoid", {}), ("QLinearLeakyRelu", {"alpha": 0.1}),
                           ("QLinearSoftmax", {"opset": 13, "axis": -1}), ("QLinearSoftmax", {"opset": 11, "axis": 1}),
                           ("QLinearGlobalAveragePool", {"channels_last": 0}),
                           ("QLinearGlobalAveragePool", {"channels_last": 1}),
                           ("QLinearAveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
                           ("QLinearReduceMean", {"axes": [1, 2], "keepdims": 0})):
            label = "_".join([type, name] + [str(v) for v in more.values() if not isinstance(v, list)])
            scale = scalar(1 / 256) if type in ("QLinearSigmoid", "QLinearSoftmax") else three
            target = zero if scale is three else scalar(0 if name == "u8" else -128, zero.dtype)
            yield label, operator(type, [a, one, zero, scale, target], constants=(1, 2, 3, 4), **step, **more)
        yield f"QLinearConcat_{name}", operator(
            "QLinearConcat", [three, zero, a, one, zero, b, two, zero], constants=(0, 1, 3, 4, 6, 7), axis=1, **step)
        yield f"QLinearWhere_{name}", operator(
            "QLinearWhere", [random.random((2, 3, 8, 8)) > 0.5, a, one, zero, b, two, zero, three, zero],
            constants=(2, 3, 5, 6, 7, 8), **step)
        yield f"NhwcMaxPool_{name}", operator("NhwcMaxPool", [make(1, 8, 8, 3)], kernel_shape=[3, 3], strides=[2, 2])
    gemm = [u8(5, 16), one, scalar(120, numpy.uint8), s8(8, 16), numpy.full(8, 0.01, numpy.float32), numpy.zeros(8, numpy.int8),
            random.integers(-500, 500, 8).astype(numpy.int32)]
    yield "QGemm_floats", operator("QGemm", gemm, constants=(1, 2, 3, 4, 5, 6), transB=1)
    yield "QGemm", operator(
        "QGemm", gemm + [three, scalar(100, numpy.uint8)], constants=(1, 2, 3, 4, 5, 6, 7, 8), transB=1, relative=0,
        absolute=1.01)
    yield "QLinearConv_last", operator(
        "QLinearConv",
        [u8(1, 6, 6, 4), one, scalar(120, numpy.uint8), s8(8, 4, 3, 3), scalar(0.01), scalar(0, numpy.int8), three,
         scalar(100, numpy.uint8), random.integers(-500, 500, 8).astype(numpy.int32)],
        constants=(1, 2, 3, 4, 5, 6, 7, 8), channels_last=1, pads=[1, 1, 1, 1], relative=0, absolute=1.01)
    x, w = f32(2, 5, 16), s8(16, 8)
    yield "DynamicQuantizeMatMul", operator(
        "DynamicQuantizeMatMul", [x, w, scalar(0.01), scalar(0, numpy.int8), f32(8)], constants=(1, 2, 3, 4))
    yield "DynamicQuantizeMatMul_columns", operator(
        "DynamicQuantizeMatMul", [x, w, random.random(8).astype(numpy.float32) * 0.01, numpy.zeros(8, numpy.int8)],
        constants=(1, 2, 3))
    yield "MatMulIntegerToFloat", operator(
        "MatMulIntegerToFloat", [u8(2, 5, 16), w, one, two, scalar(120, numpy.uint8), scalar(0, numpy.int8), f32(8)],
        constants=(1, 3, 5, 6))
    for bits in (4, 8):
        for zeros in (False, True):
            blocks, k, n = 4, 128, 24
            bytes_ = 32 * bits // 8
            inputs = [f32(3, k), u8(n, blocks, bytes_), random.random((n, blocks)).astype(numpy.float32) * 0.05]
            if zeros:
                inputs.append(u8(n, blocks * bits // 8))
            yield f"MatMulNBits_{bits}_{int(zeros)}", operator(
                "MatMulNBits", inputs, constants=(1, 2, 3), K=k, N=n, bits=bits, block_size=32, relative=1e-2,
                absolute=2e-2)
    for directions in (1, 2):
        d = {} if directions == 1 else {"direction": "bidirectional"}
        yield f"DynamicQuantizeLSTM_{directions}", operator(
            "DynamicQuantizeLSTM",
            [f32(6, 2, 8), u8(directions, 8, 64), u8(directions, 16, 64), f32(directions, 128) * 0.1, None, None, None, None,
             numpy.full(directions, 0.005, numpy.float32), numpy.full(directions, 128, numpy.uint8),
             numpy.full(directions, 0.005, numpy.float32), numpy.full(directions, 128, numpy.uint8)],
            outputs=3, constants=(1, 2, 3, 8, 9, 10, 11), hidden_size=16, relative=0.05, absolute=0.03, **d)


def cases():
    x = f32(2, 5, 16)
    yield from attention_cases()
    yield from quantized_cases()
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        left, right = f32(3, 4, 5), f32(3, 5, 6)
        yield f"FusedMatMul_{a}{b}", operator(
            "FusedMatMul", [left.swapaxes(1, 2) if a else left, right.swapaxes(1, 2) if b else right], transA=a, transB=b,
            alpha=0.7)
    yield "FusedMatMul_constant", operator("FusedMatMul", [x, f32(8, 16)], constants=(1,), transB=1, alpha=1.0)
    image, kernel = f32(1, 4, 9, 9), f32(8, 4, 3, 3)
    for activation, parameters in {
        "Relu": [], "Tanh": [], "Sigmoid": [], "LeakyRelu": [0.1], "Clip": [0.0, 6.0], "HardSigmoid": [0.2, 0.5]}.items():
        more = {"activation_params": parameters} if parameters else {}
        yield f"FusedConv_{activation}", operator(
            "FusedConv", [image, kernel, f32(8)], constants=(1, 2), activation=activation, pads=[1, 1, 1, 1], **more)
    yield "FusedConv_residual", operator(
        "FusedConv", [image, kernel, f32(8), f32(1, 8, 9, 9)], constants=(1, 2), activation="Relu", pads=[1, 1, 1, 1])
    yield "FusedGemm", operator(
        "FusedGemm", [f32(3, 8), f32(5, 8), f32(5)], constants=(1, 2), transB=1, activation="LeakyRelu", activation_alpha=0.2)
    yield "Gelu", operator("Gelu", [x])
    yield "BiasGelu", operator("BiasGelu", [x, f32(16)], constants=(1,))
    yield "FastGelu", operator("FastGelu", [x, f32(16)], constants=(1,))
    yield "FastGelu_plain", operator("FastGelu", [x])
    yield "QuickGelu", operator("QuickGelu", [x])
    yield "QuickGelu_silu", operator("QuickGelu", [x], alpha=1.0)
    yield "SkipLayerNormalization", operator(
        "SkipLayerNormalization", [x, f32(2, 5, 16), f32(16), f32(16), f32(16)], outputs=["y0", "", "", "y3"],
        constants=(2, 3, 4), epsilon=1e-5)
    yield "SkipSimplifiedLayerNormalization", operator(
        "SkipSimplifiedLayerNormalization", [x, f32(2, 5, 16), f32(16)], outputs=["y0", "", "", "y3"], constants=(2,))
    yield "SimplifiedLayerNormalization", operator(
        "SimplifiedLayerNormalization", [x, f32(16)], constants=(1,), domain="", epsilon=1e-6, axis=-1)
    tokens = random.integers(0, 10, (2, 5)).astype(numpy.int32)
    yield "EmbedLayerNormalization", operator(
        "EmbedLayerNormalization",
        [tokens, tokens % 2, f32(10, 16), f32(8, 16), f32(2, 16), f32(16), f32(16), numpy.array([[1, 1, 1, 0, 0], [1] * 5], numpy.int32)],
        outputs=2, constants=(2, 3, 4, 5, 6))
    yield "Trilu", operator("Trilu", [f32(3, 4, 4)], upper=0)
    yield "Inverse", operator("Inverse", [f32(2, 4, 4) + 3 * numpy.eye(4, dtype=numpy.float32)])
    yield "ExpandDims", operator("ExpandDims", [f32(3, 4), scalar(1, numpy.int32)], constants=(1,))
    yield "Range", operator("Range", [scalar(1.0), scalar(7.0), scalar(2.0)])
    yield "CDist", operator("CDist", [f32(4, 6), f32(5, 6)], metric="euclidean")
    yield "CDist_squares", operator("CDist", [f32(4, 6), f32(5, 6)], metric="sqeuclidean")
    texts = numpy.array(["ab cd", "e f  g"], dtype=object)
    yield "Tokenizer", operator("Tokenizer", [texts], tokenexp="[a-z]+", mark=0, pad_value="#", mincharnum=1)
    yield "Tokenizer_marked", operator("Tokenizer", [texts], separators=[" "], mark=1, pad_value="#", mincharnum=1)
    yield "Tokenizer_characters", operator("Tokenizer", [texts], separators=[""], mark=0, pad_value="#", mincharnum=1)
