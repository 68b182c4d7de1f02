"""The model on BentoML, with its adaptive batching."""

import bentoml
from paced_cost import LARGEST, answer, pace


@bentoml.service(workers=1, traffic={"timeout": 30})
class Model:
    @bentoml.api(batchable=True, max_batch_size=LARGEST, max_latency_ms=30_000)
    def run(self, rows: list[float]) -> list[float]:
        pace(len(rows))
        return rows


@bentoml.service(workers=1, traffic={"timeout": 30})
class Paced:
    model = bentoml.depends(Model)

    @bentoml.api(route="/predict")
    async def predict(self, inputs: list, parameters: dict) -> dict:
        return answer(await self.model.to_async.run(inputs[0]["data"]))
