"""The MLP on LitServe, with its dynamic batching."""

import sys

import litserve
import mlp_model
import numpy


class Mlp(litserve.LitAPI):
    def setup(self, device):
        self.model = mlp_model.load()

    def decode_request(self, request):
        return mlp_model.rows_of(request)

    def batch(self, inputs):
        return numpy.concatenate(inputs)

    def predict(self, x):
        return self.model(x)

    def unbatch(self, y):
        return list(y[:, None])

    def encode_response(self, y):
        return mlp_model.answer(y)


if __name__ == "__main__":
    api = Mlp(max_batch_size=mlp_model.LARGEST, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
