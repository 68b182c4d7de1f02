"""KServe's client, its protocols v1 and v2."""

import asyncio

from steps import Skipped, expect

try:
    import numpy
    from kserve import InferenceRESTClient, InferInput, InferRequest
    from kserve.inference_client import RESTConfig
except ImportError as error:
    InferenceRESTClient, missing = None, error


def add(steps, server):
    if InferenceRESTClient is None:
        def skip():
            raise Skipped(missing)
        return steps.run("kserve", skip)
    steps.run("kserve: v1 inference and readiness", lambda: asyncio.run(first(server)))
    steps.run("kserve: v2 inference, readiness, liveness", lambda: asyncio.run(second(server)))
    steps.run("kserve: v1 explain is 501", lambda: asyncio.run(explain(server)))


def base(server):
    return f"http://127.0.0.1:{server.port}"


async def first(server):
    used = InferenceRESTClient(RESTConfig(protocol="v1"))
    answer = await used.infer(base(server), {"instances": [1.0, 2.0, 5.0]}, model_name="half_plus_two")
    expect(answer == {"predictions": [2.5, 3.0, 4.5]}, f"{answer}")
    expect(await used.is_server_live(base(server)), "not live")
    expect(await used.is_model_ready(base(server), "half_plus_two"), "not ready")
    await used.close()


async def second(server):
    used = InferenceRESTClient(RESTConfig(protocol="v2"))
    value = numpy.array([1, 2, 5], numpy.float32)
    for is_binary in (False, True):
        given = InferInput("x", [3], "FP32")
        given.set_data_from_numpy(value, binary_data=is_binary)
        answer = await used.infer(
            base(server), InferRequest(model_name="half_plus_two", infer_inputs=[given]),
            model_name="half_plus_two")
        expect(list(answer.outputs[0].as_numpy()) == [2.5, 3.0, 4.5], f"{answer}")
    expect(await used.is_server_ready(base(server)), "the server is not ready")
    expect(await used.is_server_live(base(server)), "the server is not live")
    expect(await used.is_model_ready(base(server), "half_plus_two"), "the model is not ready")
    await used.close()


async def explain(server):
    used = InferenceRESTClient(RESTConfig(protocol="v1"))
    try:
        await used.explain(base(server), "half_plus_two", {"instances": [1.0]})
    except Exception as error:
        return expect("501" in str(error) or getattr(error, "response", None).status_code == 501, f"{error}")
    finally:
        await used.close()
    raise AssertionError("it explained")
