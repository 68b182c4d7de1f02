"""Triton's client, with and without asyncio."""

import asyncio

from steps import Skipped, expect

try:
    import numpy
    import tritonclient.http as triton
    import tritonclient.http.aio as triton_aio
    from tritonclient.utils import InferenceServerException
except ImportError as error:
    triton, missing = None, error


def add(steps, server):
    if triton is None:
        def skip():
            raise Skipped(missing)
        return steps.run("tritonclient", skip)
    steps.run("tritonclient: metadata and readiness", metadata, server)
    steps.run("tritonclient: an error is an InferenceServerException", error_message, server)
    steps.run("tritonclient: async_infer on many connections", asynchronous, server)
    for is_binary in (False, True):
        form = "binary" if is_binary else "JSON"
        for request_coding in (None, "gzip", "deflate"):
            for response_coding in (None, "gzip", "deflate"):
                name = f"tritonclient: {form}, request {request_coding or 'plain'}, response {response_coding or 'plain'}"
                steps.run(name, infer, server, is_binary, request_coding, response_coding)
        steps.run(f"tritonclient.aio: {form}", aio, server, is_binary)


def client(server):
    return triton.InferenceServerClient(f"127.0.0.1:{server.port}", concurrency=8)


def tensors(module, is_binary, value):
    given = module.InferInput("INPUT0", list(value.shape), "FP32")
    given.set_data_from_numpy(value, binary_data=is_binary)
    return [given], [module.InferRequestedOutput("OUTPUT0", binary_data=is_binary)]


def example():
    # Large enough to be packed, and compressible.
    return numpy.tile(numpy.linspace(-3, 3, 100, dtype=numpy.float32), (20, 1))


def metadata(server):
    with client(server) as used:
        expect(used.is_server_live() and used.is_server_ready(), "not live and ready")
        expect(used.is_model_ready("identity") and not used.is_model_ready("nothing"), "readiness of models")
        expect(used.get_server_metadata()["name"], "no name")
        model = used.get_model_metadata("fashion")
        expect(model["inputs"][0] == {"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}, f"{model}")


def error_message(server):
    inputs, outputs = tensors(triton, True, example())
    inputs[0]._name = "wrong"
    with client(server) as used:
        try:
            used.infer("identity", inputs, outputs=outputs)
        except InferenceServerException as error:
            return expect("wrong" in error.message() and "400" in str(error.status()), f"{error}")
    raise AssertionError("a wrong name was taken")


def infer(server, is_binary, request_coding, response_coding):
    value = example()
    inputs, outputs = tensors(triton, is_binary, value)
    with client(server) as used:
        for index in range(3):
            result = used.infer(
                "identity", inputs, outputs=outputs, request_id=f"id-{index}",
                request_compression_algorithm=request_coding, response_compression_algorithm=response_coding)
            expect(numpy.array_equal(result.as_numpy("OUTPUT0"), value), "other numbers")
            expect(result.get_response()["id"] == f"id-{index}", "another id")


def asynchronous(server):
    value = example()
    inputs, outputs = tensors(triton, True, value)
    with client(server) as used:
        for waiting in [used.async_infer("identity", inputs, outputs=outputs) for _ in range(50)]:
            expect(numpy.array_equal(waiting.get_result().as_numpy("OUTPUT0"), value), "other numbers")


def aio(server, is_binary):
    async def ask():
        value = example()
        inputs, outputs = tensors(triton_aio, is_binary, value)
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as used:
            result = await used.infer("identity", inputs, outputs=outputs)
            expect(numpy.array_equal(result.as_numpy("OUTPUT0"), value), "other numbers")
    asyncio.run(ask())
