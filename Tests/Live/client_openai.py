"""OpenAI's client, as far as a server without language models speaks with it."""

from steps import Skipped, expect

try:
    import openai
except ImportError as error:
    openai, missing = None, error


def add(steps, server):
    if openai is None:
        def skip():
            raise Skipped(missing)
        return steps.run("openai", skip)
    steps.run("openai: models.list, models.retrieve", models, server)


def models(server):
    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="any") as used:
        found = {model.id: model for model in used.models.list()}
        expect("identity" in found and found["identity"].object == "model", f"{found}")
        expect(used.models.retrieve("identity").owned_by == "swerve", "owned_by")
        try:
            used.models.retrieve("nothing")
        except openai.NotFoundError:
            return
    raise AssertionError("a model that is not there was found")
