"""The MLP on Triton's Python backend, with its dynamic batching."""

import mlp_model
import numpy
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, _):
        self.model = mlp_model.load()

    def execute(self, requests):
        inputs = [triton.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        y = self.model(numpy.concatenate(inputs))
        ends = numpy.cumsum([len(x) for x in inputs])[:-1]
        return [triton.InferenceResponse([triton.Tensor("y", part)]) for part in numpy.split(y, ends)]
