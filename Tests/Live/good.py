"""Clients that do nothing wrong: each answer must come, and say what was expected.

good.py PORT SECONDS: prints a JSON object of what was asked and what went wrong.
"""

import array
import asyncio
import collections
import json
import math
import pathlib
import random
import sys
import time

import wire

IDENTITY = "/v2/models/identity/infer"
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "models/fashion/example"
PATIENCE = 60  # seconds for one answer, on a machine that the hostile clients keep busy


class Wrong(Exception):
    """An answer that is not the expected one."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def random_rows(dice):
    columns = dice.randint(1, 16)
    return [[dice.uniform(-1e6, 1e6) for _ in range(columns)] for _ in range(dice.randint(1, 12))]


def as_fp32(numbers):
    return array.array("f", numbers)


def check_identity(answer, rows, identifier=None):
    status, fields, body = answer
    expect(status == 200, f"status {status}: {body[:200]}")
    value = json.loads(wire.unpack(fields, body))
    output = value["outputs"][0]
    expect(output["shape"] == [len(rows), len(rows[0])], f"shape {output['shape']}")
    sent = as_fp32(number for row in rows for number in row)
    expect(as_fp32(output["data"]) == sent, "other numbers than were sent")
    expect(value.get("id") == identifier, f"id {value.get('id')}, expected {identifier}")


def check_binary(answer, data):
    status, fields, body = answer
    expect(status == 200, f"status {status}: {body[:200]}")
    expect(wire.unpack(fields, body).endswith(data), "other bytes than were sent")


# Each asks on an open connection, and checks.

async def plain_json(connection, dice):
    rows = random_rows(dice)
    await connection.send(wire.request(IDENTITY, wire.infer_json(rows)))
    check_identity(await connection.response(), rows)
    return 1


async def binary(connection, dice):
    rows, columns = dice.randint(1, 32), dice.randint(1, 64)
    data = dice.randbytes(rows * columns * 4)
    field, body = wire.infer_binary(rows, columns, data)
    await connection.send(wire.request(IDENTITY, body, [field]))
    check_binary(await connection.response(), data)
    return 1


async def large_binary(connection, dice):
    data = array.array("f", [dice.random()] * 262_144).tobytes()
    field, body = wire.infer_binary(1, 262_144, data)
    await connection.send(wire.request(IDENTITY, body, [field]))
    check_binary(await connection.response(), data)
    return 1


async def pipelined_binary(connection, dice):
    """Large and small answers in turns, taken late, so that some wait behind what the socket does not take."""
    asked = [dice.randbytes(4 * dice.choice([1, 100, 50_000, 400_000])) for _ in range(6)]
    messages = []
    for data in asked:
        field, body = wire.infer_binary(1, len(data) // 4, data)
        messages.append(wire.request(IDENTITY, body, [field]))
    sending = asyncio.create_task(connection.send(b"".join(messages)))
    await asyncio.sleep(dice.random() / 5)
    for data in asked:
        check_binary(await connection.response(), data)
    await sending
    return len(asked)


async def packed(connection, dice):
    coding = dice.choice(["gzip", "deflate"])
    rows = random_rows(dice) * 20
    fields = [f"Content-Encoding: {coding}", f"Accept-Encoding: {coding}"]
    await connection.send(wire.request(IDENTITY, wire.pack(coding, wire.infer_json(rows)), fields))
    answer = await connection.response()
    expect(answer[1].get("content-encoding") in (coding, None), "another coding than was asked for")
    check_identity(answer, rows)
    return 1


async def chunked(connection, dice):
    rows = random_rows(dice)
    text = wire.infer_json(rows)
    size = dice.randint(1, 100)
    pieces = [text[start:start + size] for start in range(0, len(text), size)]
    message = wire.chunked_request(IDENTITY, pieces)
    cut = dice.randrange(len(message))
    await connection.send(message[:cut])
    await asyncio.sleep(dice.random() / 50)
    await connection.send(message[cut:])
    check_identity(await connection.response(), rows)
    return 1


async def pipelined(connection, dice):
    asked = [(f"{dice.getrandbits(40)}", random_rows(dice)) for _ in range(dice.randint(2, 24))]
    await connection.send(
        b"".join(wire.request(IDENTITY, wire.infer_json(rows, id=name)) for name, rows in asked))
    for name, rows in asked:
        check_identity(await connection.response(), rows, name)
    return len(asked)


async def expects_continue(connection, dice):
    rows = random_rows(dice)
    message = wire.request(IDENTITY, wire.infer_json(rows), ["Expect: 100-continue"])
    end = message.index(b"\r\n\r\n") + 4
    await connection.send(message[:end])
    status, _, _ = await connection.response()
    expect(status == 100, f"status {status} to Expect: 100-continue")
    await connection.send(message[end:])
    check_identity(await connection.response(), rows)
    return 1


async def half_plus_two(connection, dice):
    numbers = [dice.randint(-10_000, 10_000) for _ in range(dice.randint(1, 50))]
    text = json.dumps({"instances": numbers}).encode()
    await connection.send(wire.request("/v1/models/half_plus_two:predict", text))
    status, _, body = await connection.response()
    expect(status == 200, f"status {status}: {body[:200]}")
    expect(json.loads(body)["predictions"] == [n / 2 + 2 for n in numbers], "other predictions")
    return 1


async def fashion(connection, _):
    await connection.send(wire.request("/v2/models/fashion/infer", (EXAMPLE / "request-v2.json").read_bytes()))
    status, _, body = await connection.response()
    expect(status == 200, f"status {status}: {body[:200]}")
    got = json.loads(body)["outputs"][0]["data"]
    expected = json.loads((EXAMPLE / "response-v2.json").read_bytes())["outputs"][0]["data"]
    near = all(math.isclose(a, b, abs_tol=1e-4) for a, b in zip(got, expected, strict=True))
    expect(near, f"probabilities {got}")
    return 1


async def half_closed(connection, dice):
    rows = random_rows(dice)
    await connection.send(wire.request(IDENTITY, wire.infer_json(rows)))
    connection.half_close()
    check_identity(await connection.response(), rows)
    expect(await connection.reader.read() == b"", "bytes after the answer")
    return 1


KEPT = [plain_json, binary, packed, chunked, pipelined, expects_continue, half_plus_two, fashion]
KINDS = {function.__name__: function for function in [*KEPT, large_binary, pipelined_binary, half_closed]}


async def client(kind, port, end, seed, tally, faults):
    """Asks until `end`, on connections that it keeps for a while; some clients want a new one each time."""
    dice = random.Random(seed)
    while time.monotonic() < end:
        connection = None
        try:
            async with asyncio.timeout(PATIENCE):
                connection = await wire.Connection.open(port)
            for _ in range(1 if kind == "half_closed" else dice.choice([1, 10, 100])):
                async with asyncio.timeout(PATIENCE):
                    tally[kind] += await KINDS[kind](connection, dice)
                await asyncio.sleep(dice.random() / 25)
                if time.monotonic() >= end:
                    break
        except Exception as error:  # whatever it is, a good client was let down
            faults.append(f"{kind} (seed {seed}): {type(error).__name__} {error}")
            await asyncio.sleep(0.1)
        finally:
            if connection:
                await connection.close()


async def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    tally, faults = collections.Counter(), []
    end = time.monotonic() + seconds
    kinds = list(KINDS) * 2
    start = time.time_ns()
    await asyncio.gather(
        *(client(kind, port, end, start + index, tally, faults) for index, kind in enumerate(kinds)))
    print(json.dumps({"answers": tally, "faults": len(faults), "examples": faults[:10]}))


if __name__ == "__main__":
    asyncio.run(main())
