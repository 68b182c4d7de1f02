"""What the Python examples of Triton's client do (src/python/examples/simple_http_*.py there), each in words of our own.

They run against the example repository of triton_repository, served as it is. client_triton_control runs the originals too
where SWERVE_TRITON_EXAMPLES names their folder.
"""

import asyncio
import functools
import json
import tempfile

from server import Server
from steps import Skipped, expect

try:
    import numpy
    import tritonclient.http as triton
    import tritonclient.http.aio as triton_aio
    import tritonclient.utils.shared_memory as shared_memory
    import triton_repository
    from tritonclient.utils import InferenceServerException, serialize_byte_tensor, serialized_byte_size
except ImportError as error:
    triton, missing = None, error


def add(steps, _):
    if triton is None:
        def skip():
            raise Skipped(missing)
        return steps.run("Triton's examples", skip)
    with tempfile.TemporaryDirectory() as folder:
        triton_repository.write(folder)
        flags = ("--model-control", "explicit", "--load-model", "*", "--shared-memory", "--server-name", "triton")
        with Server(*flags, models=folder) as server:
            for step in (infer, infer_json, compressed, async_infer, string_infer, health_metadata, shm, shm_string,
                         sequence_sync, sequence_dyna, model_control, reuse_infer_objects, timeouts, aio_infer,
                         aio_string, aio_sequence, aio_health_metadata, aio_model_control):
                steps.run(f"as Triton's example simple_http_{step.__name__} does", step, server)


def client(server, **settings):
    return triton.InferenceServerClient(url=f"127.0.0.1:{server.port}", verbose=False, **settings)


def values():
    return numpy.arange(16, dtype=numpy.int32).reshape(1, 16), numpy.full((1, 16), -1, dtype=numpy.int32)


def tensors(module, arrays, datatype="INT32", is_binary=True):
    inputs = [module.InferInput(f"INPUT{i}", list(a.shape), datatype) for i, a in enumerate(arrays)]
    for tensor, array in zip(inputs, arrays):
        tensor.set_data_from_numpy(array, binary_data=is_binary)
    return inputs


def check(result, arrays, total="OUTPUT0", difference="OUTPUT1"):
    expect(numpy.array_equal(result.as_numpy(total), arrays[0] + arrays[1]), "another sum")
    expect(numpy.array_equal(result.as_numpy(difference), arrays[0] - arrays[1]), "another difference")


def infer(server):
    """Both outputs asked for, one as JSON; with parameters of the query and header fields; then no outputs named."""
    arrays = values()
    with client(server) as used:
        asked = [triton.InferRequestedOutput("OUTPUT0", binary_data=True),
                 triton.InferRequestedOutput("OUTPUT1", binary_data=False)]
        result = used.infer("simple", tensors(triton, arrays), outputs=asked,
                            query_params={"test_1": 1, "test_2": 2}, headers={"test": "1"})
        check(result, arrays)
        check(used.infer("simple", tensors(triton, arrays), outputs=None, query_params={"a": ["x", "y"]}), arrays)
        count = used.get_inference_statistics(model_name="simple")["model_stats"]
        expect(len(count) == 1 and count[0]["name"] == "simple", f"{count}")
        try:
            used.get_inference_statistics(model_name="wrong_model_name")
        except InferenceServerException as error:
            return expect("wrong_model_name" in error.message(), error.message())
    raise AssertionError("statistics of no model")


def infer_json(server):
    arrays = values()
    with client(server) as used:
        asked = [triton.InferRequestedOutput(f"OUTPUT{i}", binary_data=False) for i in range(2)]
        check(used.infer("simple", tensors(triton, arrays, is_binary=False), outputs=asked), arrays)


def compressed(server):
    arrays = values()
    with client(server) as used:
        for request in (None, "gzip", "deflate"):
            for response in (None, "gzip", "deflate"):
                check(used.infer("simple", tensors(triton, arrays), request_compression_algorithm=request,
                                 response_compression_algorithm=response), arrays)


def async_infer(server):
    arrays = values()
    with client(server, concurrency=4) as used:
        waiting = [used.async_infer("simple", tensors(triton, arrays)) for _ in range(20)]
        for one in waiting:
            check(one.get_result(), arrays)


def texts(arrays):
    return [numpy.array([str(x).encode() for x in a.reshape(a.size)], dtype=numpy.object_).reshape(a.shape)
            for a in arrays]


def string_infer(server):
    arrays = values()
    with client(server) as used:
        for is_binary in (True, False):
            asked = [triton.InferRequestedOutput(f"OUTPUT{i}", binary_data=is_binary) for i in range(2)]
            given = texts(arrays) if is_binary else [a.astype(numpy.str_).astype(numpy.object_) for a in arrays]
            result = used.infer("simple_string", tensors(triton, given, "BYTES", is_binary), outputs=asked)
            for name, wanted in (("OUTPUT0", arrays[0] + arrays[1]), ("OUTPUT1", arrays[0] - arrays[1])):
                expect(numpy.array_equal(result.as_numpy(name).astype(numpy.int32), wanted), f"{name} differs")
        # Zeros, empty texts and what is no UTF-8.
        odd = numpy.array([[b"", b"\0", b"\xff\xfe", "é".encode()]], dtype=numpy.object_)
        result = used.infer("simple_identity", tensors(triton, [odd], "BYTES"))
        expect(list(result.as_numpy("OUTPUT0")[0]) == list(odd[0]), f"{result.as_numpy('OUTPUT0')}")


def health_metadata(server):
    with client(server) as used:
        expect(used.is_server_live(query_params={"test_1": 1}) and used.is_server_ready(), "not live and ready")
        expect(used.is_model_ready("simple") and used.is_model_ready("simple", "1"), "not ready")
        expect(used.get_server_metadata()["name"] == "triton", "another name")
        expect(used.get_model_metadata("simple")["name"] == "simple", "another model")
        expect(used.get_model_config("simple")["name"] == "simple", "another model's configuration")
        try:
            used.get_model_metadata("wrong_model_name")
        except InferenceServerException as error:
            return expect("Request for unknown model" in error.message(), error.message())
    raise AssertionError("metadata of no model")


def size_of(array):
    return serialized_byte_size(array) if array.dtype == numpy.object_ else array.nbytes


def share(used, name, arrays):
    """A region that holds `arrays`, one after the other, and is known to the server."""
    size = sum(map(size_of, arrays))
    region = shared_memory.create_shared_memory_region(name, f"/swerve-example-{name}", size)
    shared_memory.set_shared_memory_region(region, arrays)
    used.register_system_shared_memory(name, f"/swerve-example-{name}", size)
    return region


def in_regions(used, model, arrays, datatype, room):
    inputs = [triton.InferInput(f"INPUT{i}", [1, 16], datatype) for i in range(2)]
    offset = 0
    for tensor, array in zip(inputs, arrays):
        tensor.set_shared_memory("source", size_of(array), offset=offset)
        offset += size_of(array)
    outputs = [triton.InferRequestedOutput(f"OUTPUT{i}", binary_data=True) for i in range(2)]
    for index, output in enumerate(outputs):
        output.set_shared_memory("target", room, offset=index * room)
    return used.infer(model, inputs, outputs=outputs)


def with_regions(server, step, arrays, room):
    """Has `arrays` in the region `source`, and room for two outputs in `target`."""
    with client(server) as used:
        used.unregister_system_shared_memory()
        used.unregister_cuda_shared_memory()
        regions = []
        try:
            regions = [share(used, "source", arrays), share(used, "target", [numpy.zeros(2 * room, numpy.uint8)])]
            expect(len(used.get_system_shared_memory_status()) == 2, "regions")
            step(used, regions[1])
            used.unregister_system_shared_memory()
            expect(used.get_system_shared_memory_status() == [], "regions stay")
        finally:
            used.unregister_system_shared_memory()
            for region in regions:
                shared_memory.destroy_shared_memory_region(region)


def shm(server):
    arrays = values()

    def step(used, target):
        result = in_regions(used, "simple", arrays, "INT32", 64)
        for index, wanted in enumerate((arrays[0] + arrays[1], arrays[0] - arrays[1])):
            output = result.get_output(f"OUTPUT{index}")
            expect(output["datatype"] == "INT32" and output["shape"] == [1, 16], f"{output}")
            found = shared_memory.get_contents_as_numpy(target, numpy.int32, output["shape"], offset=index * 64)
            expect(numpy.array_equal(found, wanted), "other numbers")

    with_regions(server, step, arrays, 64)


def shm_string(server):
    arrays = values()
    packed = [serialize_byte_tensor(text) for text in texts(arrays)]

    def step(used, target):
        in_regions(used, "simple_string", packed, "BYTES", 512)
        found = shared_memory.get_contents_as_numpy(target, numpy.object_, [1, 16])
        expect([int(text) for text in found[0]] == list((arrays[0] + arrays[1])[0]), f"{found}")

    with_regions(server, step, packed, 512)


def send(used, model, name, numbers):
    """The answers to a sequence of numbers."""
    answers = []
    for index, number in enumerate(numbers):
        given = triton.InferInput("INPUT", [1, 1], "INT32")
        given.set_data_from_numpy(numpy.full((1, 1), number, numpy.int32))
        result = used.infer(model, [given], outputs=[triton.InferRequestedOutput("OUTPUT")], sequence_id=name,
                            sequence_start=index == 0, sequence_end=index == len(numbers) - 1)
        answers.append(int(result.as_numpy("OUTPUT")[0][0]))
    return answers


NUMBERS = [0, 11, 7, 5, 3, 2, 0, 1]


def sequence_sync(server):
    """The first of each sequence has one added."""
    with client(server) as used:
        for name in (1007, 1008):
            expect(send(used, "simple_sequence", name, NUMBERS) == [1, *NUMBERS[1:]], f"{name}")


def sequence_dyna(server):
    """The last has the sequence's number added."""
    with client(server) as used:
        expect(send(used, "simple_dyna_sequence", 1009, NUMBERS) == [1, *NUMBERS[1:-1], 1 + 1009], "another end")


def model_control(server):
    with client(server) as used:
        used.load_model("simple")
        expect(used.is_model_ready("simple"), "not ready")
        used.load_model("simple", config=None, files=None, query_params={"a": 1})
        # What is read may be sent back as it is.
        before = used.get_model_config("simple")
        used.load_model("simple", config=json.dumps(before))
        expect(used.get_model_config("simple") == before, "another configuration")
        used.unload_model("simple", unload_dependents=True)
        expect(not used.is_model_ready("simple"), "ready")
        used.load_model("simple")
        expect(used.is_model_ready("simple"), "not ready again")
        try:
            used.load_model("wrong_model_name")
        except InferenceServerException as error:
            return expect("failed to load" in error.message(), error.message())
    raise AssertionError("no model was loaded")


def reuse_infer_objects(server):
    """One InferInput for the binary form, shared memory and JSON in turn."""
    arrays = values()
    with client(server) as used:
        inputs = tensors(triton, arrays)
        check(used.infer("simple", inputs), arrays)
        region = share(used, "source", arrays)
        try:
            for index, tensor in enumerate(inputs):
                tensor.set_shared_memory("source", 64, offset=64 * index)
            check(used.infer("simple", inputs), arrays)
            for tensor, array in zip(inputs, arrays):
                tensor.set_data_from_numpy(array, binary_data=False)
            check(used.infer("simple", inputs), arrays)
        finally:
            used.unregister_system_shared_memory("source")
            shared_memory.destroy_shared_memory_region(region)


def timeouts(server):
    """A deadline of the request's own, its priority and parameters."""
    arrays = values()
    with client(server, connection_timeout=10, network_timeout=10) as used:
        result = used.infer("simple", tensors(triton, arrays), request_id="t", timeout=2_000_000, priority=1,
                            parameters={"text": "x", "number": 1, "flag": True})
        expect(result.get_response()["id"] == "t", "another id")
        try:
            used.infer("simple", tensors(triton, arrays), parameters={"triton_x": 1})
        except InferenceServerException as error:
            return expect("reserved" in error.message(), error.message())
    raise AssertionError("a reserved name was taken")


def asynchronous(step):
    @functools.wraps(step)
    def run(server):
        async def all_of_it():
            async with triton_aio.InferenceServerClient(url=f"127.0.0.1:{server.port}") as used:
                await step(used)
        asyncio.run(all_of_it())
    return run


@asynchronous
async def aio_infer(used):
    arrays = values()
    for result in await asyncio.gather(*(used.infer("simple", tensors(triton_aio, arrays)) for _ in range(8))):
        check(result, arrays)


@asynchronous
async def aio_string(used):
    arrays = values()
    result = await used.infer("simple_string", tensors(triton_aio, texts(arrays), "BYTES"))
    expect(numpy.array_equal(result.as_numpy("OUTPUT0").astype(numpy.int32), arrays[0] + arrays[1]), "another sum")


@asynchronous
async def aio_sequence(used):
    for index, number in enumerate(NUMBERS):
        given = triton_aio.InferInput("INPUT", [1, 1], "INT32")
        given.set_data_from_numpy(numpy.full((1, 1), number, numpy.int32))
        result = await used.infer("simple_sequence", [given], sequence_id=1010, sequence_start=index == 0,
                                  sequence_end=index == len(NUMBERS) - 1)
        expect(int(result.as_numpy("OUTPUT")[0][0]) == number + (index == 0), f"{index}")


@asynchronous
async def aio_health_metadata(used):
    expect(await used.is_server_live() and await used.is_server_ready(), "not live and ready")
    expect(await used.is_model_ready("simple"), "not ready")
    expect((await used.get_server_metadata())["name"] == "triton", "another name")
    expect((await used.get_model_metadata("simple"))["name"] == "simple", "another model")
    expect(len(await used.get_model_repository_index()) == 7, "models")
    expect("model_stats" in await used.get_inference_statistics("simple"), "no statistics")
    expect("trace_level" in await used.get_trace_settings(), "no trace settings")
    expect("log_info" in await used.get_log_settings(), "no log settings")


@asynchronous
async def aio_model_control(used):
    await used.unload_model("simple_int8")
    expect(not await used.is_model_ready("simple_int8"), "ready")
    await used.load_model("simple_int8")
    expect(await used.is_model_ready("simple_int8"), "not ready")
