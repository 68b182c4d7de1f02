"""The model on MLServer, with its adaptive batching."""

import asyncio

from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput
from paced_cost import pace


class Paced(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        x = payload.inputs[0]
        # Off the event loop, as a model that computes is called.
        await asyncio.get_running_loop().run_in_executor(None, pace, x.shape[0])
        y = ResponseOutput(name="y", shape=x.shape, datatype="FP32", data=x.data)
        return InferenceResponse(model_name=self.name, outputs=[y])
