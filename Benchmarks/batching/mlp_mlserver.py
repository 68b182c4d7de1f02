"""The MLP on MLServer, with its adaptive batching."""

import mlp_model
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Mlp(MLModel):
    async def load(self):
        self.model = mlp_model.load()
        return True

    async def predict(self, payload):
        y = self.model(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", y)])
