"""Real models as onnxruntime's optimiser and quantiser write them."""

import numpy
import onnx
import onnxruntime

from trees import Case


def inputs_of(folder):
    """The first data set of a model's reference file."""
    with numpy.load(folder / "ref.npz") as file:
        return {key.split("/", 2)[2]: file[key] for key in file.files if key.startswith("0/in/")}


def session_optimized(path, target, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def feeder(inputs):
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = [inputs]

        def get_next(self):
            return self.left.pop() if self.left else None

    return Reader()


def cases(models, work):
    names = sorted(folder.name for folder in models.iterdir() if (folder / "model.onnx").exists())

    def case(model, name, **tolerances):
        return Case(model, inputs_of(models / name), **tolerances)

    def optimized(name, level):
        def make():
            target = work / f"{name}-{level}.onnx"
            session_optimized(models / name / "model.onnx", target, level)
            loose = {"relative": 0.05, "absolute": 0.5} if "int8" in name else {}
            return case(target, name, **loose)

        return make

    for name in names:
        for level in ("ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED"):
            yield f"{name}_{level[11:].lower()}", optimized(name, level)

    def transformer(options_of=None, half=False, dynamic=False):
        def make():
            from onnxruntime.transformers import fusion_options, optimizer

            options = fusion_options.FusionOptions("bert")
            if options_of:
                options_of(options)
            model = optimizer.optimize_model(
                str(models / "minilm-l6" / "model.onnx"), "bert", num_heads=12, hidden_size=384,
                optimization_options=options, opt_level=0)
            if half:
                model.convert_float_to_float16(keep_io_types=True)
                return case(model.model, "minilm-l6", relative=0.05, absolute=0.05)
            if dynamic:
                from onnxruntime.quantization import QuantType, quantize_dynamic

                source, target = work / "minilm-optimized.onnx", work / "minilm-optimized-int8.onnx"
                model.save_model_to_file(str(source))
                quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8)
                return case(target, "minilm-l6", relative=0.1, absolute=0.3)
            return case(model.model, "minilm-l6")

        return make

    def multi_head(options):
        options.use_multi_head_attention = True

    def no_embedding(options):
        options.enable_embed_layer_norm = False

    if "minilm-l6" in names:
        yield "minilm_transformers", transformer()
        yield "minilm_multi_head", transformer(multi_head)
        yield "minilm_no_embedding", transformer(no_embedding)
        yield "minilm_half", transformer(half=True)
        yield "minilm_optimized_int8", transformer(dynamic=True)

    def dynamic(name, kind):
        def make():
            from onnxruntime.quantization import QuantType, quantize_dynamic

            target = work / f"{name}-dynamic-{kind}.onnx"
            quantize_dynamic(str(models / name / "model.onnx"), str(target), weight_type=getattr(QuantType, kind))
            return case(target, name, relative=0.1, absolute=0.1)

        return make

    for name in ("tiny-gpt-shakespeare", "minilm-l6", "dtln-1"):
        if name in names:
            for kind in ("QInt8", "QUInt8"):
                yield f"{name}_dynamic_{kind}", dynamic(name, kind)

    def static(name, form, kind, extended=False):
        def make():
            from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
            from onnxruntime.quantization.shape_inference import quant_pre_process

            source, target = work / f"{name}-shapes.onnx", work / f"{name}-{form}-{kind}.onnx"
            quant_pre_process(str(models / name / "model.onnx"), str(source))
            quantize_static(
                str(source), str(target), feeder(inputs_of(models / name)), quant_format=getattr(QuantFormat, form),
                activation_type=getattr(QuantType, kind), weight_type=QuantType.QInt8, per_channel=True)
            if extended:
                session_optimized(target, work / "extended.onnx", "ORT_ENABLE_EXTENDED")
                target = work / "extended.onnx"
            # Images of calibration give levels that a rounding may move by one or two.
            return case(target, name, relative=0.05, absolute=0.5)

        return make

    for name in ("fashion-cnn", "mobilenet-v2", "magika"):
        if name in names:
            for form in ("QOperator", "QDQ"):
                for kind in ("QUInt8", "QInt8"):
                    yield f"{name}_{form}_{kind}", static(name, form, kind)
            yield f"{name}_QDQ_extended", static(name, "QDQ", "QUInt8", extended=True)

    def four_bits():
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

        model = onnx.load(str(models / "tiny-gpt-shakespeare" / "model.onnx"))
        quantizer = MatMulNBitsQuantizer(model, block_size=32, is_symmetric=False)
        quantizer.process()
        return case(quantizer.model.model, "tiny-gpt-shakespeare", relative=0.02, absolute=0.02)

    if "tiny-gpt-shakespeare" in names:
        yield "tiny_gpt_4_bits", four_bits

    def half(name):
        def make():
            from onnxruntime.transformers.float16 import convert_float_to_float16

            model = convert_float_to_float16(onnx.load(str(models / name / "model.onnx")), keep_io_types=True)
            return case(model, name, relative=0.05, absolute=0.05)

        return make

    for name in ("fashion-cnn", "mobilenet-v2", "efficientnet-lite0"):
        if name in names:
            yield f"{name}_half", half(name)
