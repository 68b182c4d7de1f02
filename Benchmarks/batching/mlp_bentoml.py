"""The MLP on BentoML, with its adaptive batching."""

import bentoml
import mlp_model
import numpy


@bentoml.service(workers=1, traffic={"timeout": 30})
class Model:
    def __init__(self):
        self.model = mlp_model.load()

    @bentoml.api(batchable=True, max_batch_size=mlp_model.LARGEST, max_latency_ms=1000)
    def run(self, x: numpy.ndarray) -> numpy.ndarray:
        return self.model(numpy.asarray(x, dtype=numpy.float32))


@bentoml.service(workers=1, traffic={"timeout": 30})
class Mlp:
    model = bentoml.depends(Model)

    @bentoml.api(route="/predict")
    async def predict(self, inputs: list) -> dict:
        return mlp_model.answer(await self.model.to_async.run(mlp_model.rows_of({"inputs": inputs})))
