"""The usual server that one writes oneself: FastAPI, orjson and numpy, for the models of the benchmark."""

import numpy
import orjson
from fastapi import FastAPI, Request, Response

app = FastAPI()


def mean(x):
    return x.mean(axis=(1, 2, 3), keepdims=True).reshape(-1, 1)


MODELS = {"image": lambda x: x, "image_mean": mean}
LENGTH = "Inference-Header-Content-Length"


@app.get("/v2/health/ready")
def ready():
    return {}


@app.post("/v2/models/{name}/infer")
async def infer(name: str, request: Request):
    body = await request.body()
    json_bytes = int(request.headers.get(LENGTH, 0))
    asked = orjson.loads(body[:json_bytes] if json_bytes else body)
    given = asked["inputs"][0]
    if json_bytes:
        x = numpy.frombuffer(body, numpy.float32, offset=json_bytes)
    else:
        x = numpy.array(given["data"], dtype=numpy.float32)
    y = numpy.ascontiguousarray(MODELS[name](x.reshape(given["shape"])))
    output = {"name": "y", "datatype": "FP32", "shape": y.shape}
    answer = {"model_name": name, "model_version": "1", "outputs": [output]}
    if asked.get("parameters", {}).get("binary_data_output"):
        output["parameters"] = {"binary_data_size": y.nbytes}
        head = orjson.dumps(answer)
        return Response(
            head + y.tobytes(), media_type="application/octet-stream", headers={LENGTH: str(len(head))})
    output["data"] = y.ravel()
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
