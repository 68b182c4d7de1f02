"""OpenVINO Model Server's client, where it speaks TensorFlow Serving's REST."""

from steps import Skipped, expect

try:
    import numpy
    import ovmsclient
except ImportError as error:
    ovmsclient, missing = None, error


def add(steps, server):
    if ovmsclient is None:
        def skip():
            raise Skipped(missing)
        return steps.run("ovmsclient", skip)
    steps.run("ovmsclient: status, metadata, predict", predict, server)


def predict(server):
    used = ovmsclient.make_http_client(f"127.0.0.1:{server.port}")
    expect(used.get_model_status("half_plus_two")[1]["state"] == "AVAILABLE", "not available")
    metadata = used.get_model_metadata("half_plus_two")
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    expect(signature["inputs"]["x"]["dtype"] == "DT_FLOAT", f"{metadata}")
    answer = used.predict({"x": numpy.array([1, 2, 5], numpy.float32)}, "half_plus_two")
    expect(list(numpy.asarray(answer)) == [2.5, 3.0, 4.5], f"{answer}")
