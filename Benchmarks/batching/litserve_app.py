"""The model on LitServe, with its dynamic batching."""

import sys

import litserve
from paced_cost import LARGEST, answer, pace


class Paced(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["inputs"][0]["data"]

    def batch(self, inputs):
        return inputs

    def predict(self, inputs):
        pace(len(inputs))
        return inputs

    def unbatch(self, outputs):
        return outputs

    def encode_response(self, output):
        return answer(output)


if __name__ == "__main__":
    api = Paced(max_batch_size=LARGEST, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
