"""Triton's client: what it has beside inference. Needs a server with --shared-memory."""

import contextlib
import json

from server import wait_until
from steps import Skipped, expect

try:
    import numpy
    import tritonclient.http as triton
    import tritonclient.utils.shared_memory as shared_memory
    from tritonclient.utils import InferenceServerException
except ImportError as error:
    triton, missing = None, error


def add(steps, server):
    if triton is None:
        def skip():
            raise Skipped(missing)
        return steps.run("tritonclient's extensions", skip)
    for name, step in (
            ("get_model_config", configuration), ("get_model_repository_index", index),
            ("get_log_settings, update_log_settings", log_settings),
            ("get_trace_settings, update_trace_settings", trace_settings),
            ("classification", classification), ("system shared memory", regions),
            ("CUDA shared memory, which there is none of", devices)):
        steps.run(f"tritonclient: {name}", step, server)


def client(server):
    return triton.InferenceServerClient(f"127.0.0.1:{server.port}")


def configuration(server):
    with client(server) as used:
        config = used.get_model_config("fashion")
        expect(config["name"] == "fashion" and config["input"][0]["data_type"] == "TYPE_FP32", f"{config}")
        expect(used.get_model_config("half_plus_two", "1")["max_batch_size"] == 1024, "max_batch_size")


def index(server):
    with client(server) as used:
        found = {entry["name"]: entry for entry in used.get_model_repository_index()}
        expect(found["identity"] == {"name": "identity", "version": "1", "state": "READY", "reason": ""}, f"{found}")


def log_settings(server):
    with client(server) as used:
        before = used.get_log_settings()
        expect(before["log_info"] is True and before["log_verbose_level"] == 0, f"{before}")
        after = used.update_log_settings({"log_verbose_level": 1, "log_info": False})
        expect(after["log_verbose_level"] == 1 and after["log_info"] is False, f"{after}")
        expect(used.update_log_settings(before) == before, "not as before")


def trace_settings(server):
    value = numpy.zeros((1, 4), numpy.float32)
    given = triton.InferInput("INPUT0", list(value.shape), "FP32")
    given.set_data_from_numpy(value)
    with client(server) as used:
        before = used.get_trace_settings()
        expect(before["trace_level"] == ["OFF"], "traces are taken")
        expect("trace" in used.get_server_metadata()["extensions"], "no extension")
        changed = used.update_trace_settings(
            model_name="identity", settings={"trace_level": ["TIMESTAMPS"], "trace_rate": "1", "trace_count": "2"})
        expect(changed["trace_level"] == ["TIMESTAMPS"] and changed["trace_rate"] == "1", f"{changed}")
        expect(used.get_trace_settings() == before, "another model's settings")
        for index in range(4):
            used.infer("identity", [given], request_id=f"trace-{index}")
        wait_until(lambda: used.get_trace_settings(model_name="identity")["trace_count"] == "0", 10)
        with open(before["trace_file"], encoding="utf-8") as file:
            traces = json.load(file)
        expect([trace.get("request_id") for trace in traces[::2]] == ["trace-0", "trace-1"], f"{traces}")
        names = [stamp["name"] for stamp in traces[1]["timestamps"]]
        expect(names[0] == "HTTP_RECV_START" and "COMPUTE_START" in names and names[-1] == "HTTP_SEND_END", f"{names}")
        cleared = dict.fromkeys(("trace_level", "trace_rate", "trace_count", "log_frequency"))
        expect(used.update_trace_settings(model_name="identity", settings=cleared) == before, "not as before")
        with contextlib.suppress(InferenceServerException):
            used.update_trace_settings(settings={"trace_file": "/tmp/elsewhere"})
            raise AssertionError("a client says where the server writes")


def classification(server):
    value = numpy.zeros((2, 1, 28, 28), numpy.float32)
    image = triton.InferInput("image", list(value.shape), "FP32")
    image.set_data_from_numpy(value)
    with client(server) as used:
        output = used.get_model_metadata("fashion")["outputs"][0]["name"]
        for is_binary in (True, False):
            asked = triton.InferRequestedOutput(output, binary_data=is_binary, class_count=3)
            classes = used.infer("fashion", [image], outputs=[asked]).as_numpy(output)
            expect(classes.shape == (2, 3), f"{classes.shape}")
            texts = [c.decode() if isinstance(c, bytes) else c for c in classes[0]]
            expect(all(len(text.split(":")) == 3 for text in texts), f"{texts}")
            values = [float(text.split(":")[0]) for text in texts]
            expect(values == sorted(values, reverse=True), f"{values}")


def regions(server):
    value = numpy.linspace(-3, 3, 400, dtype=numpy.float32).reshape(1, 400)
    with client(server) as used:
        used.unregister_system_shared_memory()
        source = shared_memory.create_shared_memory_region("source", "/swerve-client-source", value.nbytes)
        target = shared_memory.create_shared_memory_region("target", "/swerve-client-target", value.nbytes)
        try:
            shared_memory.set_shared_memory_region(source, [value])
            used.register_system_shared_memory("source", "/swerve-client-source", value.nbytes)
            used.register_system_shared_memory("target", "/swerve-client-target", value.nbytes)
            expect(len(used.get_system_shared_memory_status()) == 2, "regions")
            given = triton.InferInput("INPUT0", list(value.shape), "FP32")
            given.set_shared_memory("source", value.nbytes)
            asked = triton.InferRequestedOutput("OUTPUT0")
            asked.set_shared_memory("target", value.nbytes)
            result = used.infer("identity", [given], outputs=[asked])
            expect(result.get_output("OUTPUT0")["shape"] == list(value.shape), "another shape")
            found = shared_memory.get_contents_as_numpy(target, numpy.float32, list(value.shape))
            expect(numpy.array_equal(found, value), "other numbers")
            used.unregister_system_shared_memory("source")
            expect(len(used.get_system_shared_memory_status()) == 1, "regions")
            used.unregister_system_shared_memory()
        finally:
            shared_memory.destroy_shared_memory_region(source)
            shared_memory.destroy_shared_memory_region(target)


def devices(server):
    with client(server) as used:
        expect(used.get_cuda_shared_memory_status() == [], "regions of devices")
        used.unregister_cuda_shared_memory()
        with contextlib.suppress(InferenceServerException):
            used.register_cuda_shared_memory("r", b"", 0, 8)
            raise AssertionError("a region of a device was registered")
