"""The sides of Benchmarks/models: a process each, which loads a model and then runs it again and again.

Run as a program this file is the process of a peer; it speaks the protocol of Sources/models.
"""
import json
import os
import subprocess
import sys
import time

import numpy


def status(field):
    """A size of /proc/self/status in bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) << 10
    raise SystemExit(f"/proc/self/status has no {field}")


class Side:
    """A process that is told what to do a line each."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return {"error": f"the process ended with {self.process.wait()}"}
        return json.loads(line)

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


class OnnxRuntime:
    """A session with inputs and outputs bound, so that a run copies nothing."""

    def __init__(self, path, threads, precision):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])

    def bind(self, inputs):
        first = self.session.run(None, inputs)
        self.names = [output.name for output in self.session.get_outputs()]
        self.inputs = inputs
        self.first = first
        # Outputs that are no tensors, such as the maps of classifiers, cannot be bound.
        if all(isinstance(one, numpy.ndarray) for one in first):
            binding = self.session.io_binding()
            for name, value in inputs.items():
                binding.bind_cpu_input(name, value)
            for name in self.names:
                binding.bind_output(name, "cpu")
            self.run = lambda: self.session.run_with_iobinding(binding)
        else:
            self.run = lambda: self.session.run(None, inputs)
        return first


class OpenVino:
    """A compiled model with one request whose inputs are shared, not copied."""

    core = None

    def __init__(self, path, threads, precision):
        import openvino

        OpenVino.core = OpenVino.core or openvino.Core()
        config = {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        }
        if precision == "f32":
            config["INFERENCE_PRECISION_HINT"] = "f32"
        self.model = OpenVino.core.compile_model(path, "CPU", config)

    def bind(self, inputs):
        self.request = self.model.create_infer_request()
        for port in self.model.inputs:
            name = next(name for name in port.get_names() if name in inputs)
            import openvino

            self.request.set_tensor(port, openvino.Tensor(inputs[name], shared_memory=True))
        self.request.infer()
        self.names = [port.get_any_name() for port in self.model.outputs]
        self.run = self.request.infer
        return [numpy.array(self.request.get_tensor(port).data) for port in self.model.outputs]


RUNTIMES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def load(runtime, request):
    inputs = {
        one["name"]: numpy.fromfile(one["file"], dtype=one["dtype"]).reshape(one["shape"])
        for one in request["inputs"]
    }
    before = status("VmRSS")
    seconds = float("inf")
    model = None
    for _ in range(request.get("loads", 1)):
        model = None
        start = time.perf_counter()
        model = runtime(request["path"], request["threads"], request.get("precision", "f32"))
        seconds = min(seconds, time.perf_counter() - start)
    outputs = model.bind(inputs)
    peak = status("VmHWM") - before
    for index, output in enumerate(outputs):
        if isinstance(output, numpy.ndarray):
            numpy.ascontiguousarray(output).tofile(f'{request["outputs"]}.{index}')
    return model, {"load": seconds, "peak": peak, "names": model.names}


def shortest(run, milliseconds, clock):
    """The shortest of as many runs as fit the time, in seconds by the clock."""
    best = float("inf")
    end = time.perf_counter() + milliseconds / 1000
    while True:
        start = clock()
        run()
        best = min(best, clock() - start)
        if time.perf_counter() > end:
            return best


def main():
    runtime = RUNTIMES[sys.argv[1]]
    __import__(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    model = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["action"] == "load":
                model, answer = load(runtime, request)
            else:
                answer = {"seconds": shortest(
                    model.run, request["milliseconds"],
                    time.process_time if request.get("cpu") else time.perf_counter)}
        except Exception as error:  # What a peer cannot do is a cell without a figure.
            answer = {"error": str(error).strip().splitlines()[0][:200] if str(error) else repr(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
