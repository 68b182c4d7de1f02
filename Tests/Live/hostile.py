"""Clients that do everything wrong. Each names the statuses that may answer it; 0 is a close without one.

hostile.py PORT SECONDS IDLE: prints a JSON object of how often each came, what was answered, and what should not
have been. IDLE connections are held open beside.

A client that does not read for as long as the server lingers loses its answer to the reset that follows, and on a busy
machine this program may be that late. So a close is no fault by itself, but answers must be the rule.
"""

import asyncio
import collections
import gzip
import json
import random
import sys
import time

import wire

IDENTITY = "/v2/models/identity/infer"
HEAD = f"POST {IDENTITY} HTTP/1.1\r\nHost: soak\r\n".encode()
GET = b"GET /v2/models/identity HTTP/1.1\r\nHost: soak\r\n\r\n"
#: Above every time that the server gives a client; an attack that lasts longer was not ended.
PATIENCE = 60

SMUGGLED = [
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"Content-Length: 3, 4\r\n\r\nabcd",
    b"Content-Length: +3\r\n\r\nabc",
    b"Content-Length: 0x3\r\n\r\nabc",
    b"Content-Length : 3\r\n\r\nabc",
    b"Content-Length: 3\r\n 4\r\n\r\nabc",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"X: a\rContent-Length: 3\r\n\r\nabc",
    b"X: a\nContent-Length: 3\r\n\r\nabc",
    b"X: a\0b\r\n\r\n",
    b"Host: other\r\n\r\n",
]
BAD_CHUNKS = [
    b"zz\r\nabc", b"-1\r\nabc", b"+3\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"ffffffffffffffffff\r\nabc",
    b"3\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3 \r\nabc\r\n", b"\r\nabc", b"3;a\0b\r\nabc\r\n0\r\n\r\n",
]


def bomb(size):
    return gzip.compress(bytes(size), 9)


BOMBS = [bomb(1 << 28), b"".join(bomb(1 << 24) for _ in range(8))]


async def answer(connection):
    """The status of the next answer; 0 if the server closes instead."""
    try:
        status, _, _ = await connection.response()
        return status
    except (wire.Closed, ConnectionError, asyncio.IncompleteReadError):
        return 0


async def until_closed(connection):
    """Reads what is left; a refused connection must be closed by the server."""
    try:
        while await connection.reader.read(65_536):
            pass
    except ConnectionError:
        pass


async def refused(connection, message):
    """Sends and reads the one answer, after which nothing may come but the end."""
    try:
        await connection.send(message)
    except ConnectionError:
        pass
    status = await answer(connection)
    rest = 0
    try:
        rest = len(await connection.reader.read())
    except ConnectionError:
        pass
    if rest and status:
        raise AssertionError(f"{rest} bytes follow the {status}")
    return status


# Each attacks once, and returns the status that answered it.

async def slow_head(connection, dice):
    try:
        for byte in HEAD * 100:
            await connection.send(bytes([byte]))
            await asyncio.sleep(dice.random())
    except ConnectionError:
        pass
    return await answer(connection)


async def half_body(connection, dice):
    size = dice.choice([100, 100_000])
    await connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % size + bytes(size // 2))
    return await answer(connection)


async def half_chunk(connection, dice):
    await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + dice.choice([b"5", b"5\r\nabc", b"5\r\nabcde"]))
    return await answer(connection)


async def reset(connection, dice):
    message = wire.request(IDENTITY, wire.infer_json([[1.0] * dice.choice([3, 5_000])]))
    await connection.send(message[:dice.randrange(1, len(message) + 1)])
    if dice.random() < 0.5:
        await asyncio.sleep(dice.random() / 100)
    connection.reset()
    return 0


async def connect_and_close(connection, dice):
    if dice.random() < 0.5:
        connection.reset()
    return 0


async def oversize_announced(connection, dice):
    size = dice.choice([8_388_609, 10**12, 2**63 - 1])
    return await refused(connection, HEAD + b"Content-Length: %d\r\n\r\n" % size + bytes(dice.choice([0, 200_000])))


async def oversize_number(connection, dice):
    return await refused(connection, HEAD + b"Content-Length: %d\r\n\r\n" % dice.choice([2**63, 2**64 + 5, 10**30]))


async def oversize_chunked(connection, _):
    await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    try:
        for _ in range(200):
            await connection.send(b"10000\r\n" + bytes(65_536) + b"\r\n")
    except ConnectionError:
        pass
    return await answer(connection)


async def tiny_chunks(connection, _):
    return await refused(connection, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 300_000)


async def oversize_head(connection, dice):
    message = dice.choice([b"X: " + b"a" * 70_000, b"".join(b"X-%d: a\r\n" % i for i in range(200))])
    return await refused(connection, HEAD + message + b"\r\n\r\n")


async def long_target(connection, _):
    return await refused(connection, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: soak\r\n\r\n")


async def junk(connection, dice):
    return await refused(connection, dice.randbytes(dice.randint(1, 4_000)) + b"\r\n\r\n")


async def pipelined_junk(connection, dice):
    count = dice.randint(1, 5)
    await connection.send(GET * count + b"\x16\x03\x01\0" + dice.randbytes(500) + b"\r\n\r\n")
    for _ in range(count):
        if (status := await answer(connection)) not in (0, 200):
            raise AssertionError(f"{status} for a request before the junk")
    status = await answer(connection)
    await until_closed(connection)
    return status


async def smuggling(connection, dice):
    return await refused(connection, HEAD + dice.choice(SMUGGLED) + GET)


async def bad_chunks(connection, dice):
    return await refused(connection, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + dice.choice(BAD_CHUNKS) + GET)


async def foreign(connection, dice):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(500)
    return await refused(connection, dice.choice([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", hello, b"SSH-2.0-x\r\n\r\n"]))


async def gzip_bomb(connection, dice):
    await connection.send(wire.request(IDENTITY, dice.choice(BOMBS), ["Content-Encoding: gzip"]))
    return await answer(connection)


async def bad_coding(connection, dice):
    data = bytearray(gzip.compress(wire.infer_json([[1.0] * 500])))
    if dice.random() < 0.5:
        del data[dice.randrange(1, len(data)):]
    else:
        # Not the last byte before the trailer, whose upper bits may be padding.
        data[dice.randrange(10, len(data) - 9)] ^= 1 << dice.randrange(8)
    await connection.send(wire.request(IDENTITY, bytes(data), ["Content-Encoding: gzip"]))
    return await answer(connection)


async def deep_json(connection, dice):
    prefix = dice.choice([b"", b'{"a":', b'{"inputs":', b'{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":'])
    body = prefix + dice.choice([b"[", b'{"a":', b'[{"a":']) * dice.choice([100, 300_000])
    await connection.send(wire.request(IDENTITY, body))
    return await answer(connection)


async def false_tensor(connection, dice):
    """Shapes that ask for more than there is, and binary parts that are not as long as they say."""
    shape, size, header = dice.choice([
        ([1 << 40, 1 << 20], 64, None), ([1 << 31, 1], 64, None), ([0, 1 << 62], 0, None), ([1, 16], 1 << 62, None),
        ([1, 16], -1, None), ([1, 16], 64, 10**20), ([1, 16], 64, 7), ([4_294_967_297, 1], 64, None)])
    tensor = {"name": "INPUT0", "shape": shape, "datatype": "FP32", "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [tensor]}).encode()
    field = f"Inference-Header-Content-Length: {len(text) if header is None else header}"
    await connection.send(wire.request(IDENTITY, text + bytes(64), [field]))
    return await answer(connection)


async def many_tensors(connection, _):
    tensor = '{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}'
    body = '{"inputs":[' + ",".join([tensor] * 50_000) + "]}"
    await connection.send(wire.request(IDENTITY, body.encode()))
    return await answer(connection)


async def aborted_reader(connection, dice):
    """Asks for a large answer and leaves in its middle, or takes nothing for a while and then leaves."""
    field, body = wire.infer_binary(1, 500_000, bytes(2_000_000))
    await connection.send(wire.request(IDENTITY, body, [field]) * dice.choice([1, 3]))
    if dice.random() < 0.7:
        await connection.reader.read(dice.choice([1, 10_000]))
    else:
        # The server must give up on a reader that takes nothing.
        connection.writer.transport.pause_reading()
        await asyncio.sleep(dice.choice([1, 12]))
    if dice.random() < 0.5:
        connection.reset()
    return 0


async def trickling_reader(connection, _):
    """Takes a large answer so slowly that it would be held for it for hours."""
    field, body = wire.infer_binary(1, 1_500_000, bytes(6_000_000))
    await connection.send(wire.request(IDENTITY, body, [field]))
    try:
        while await connection.reader.read(10_000):
            await asyncio.sleep(0.5)
    except ConnectionError:
        pass
    return 0


async def endless_pipeline(connection, _):
    """Sends requests and reads no answer."""
    connection.writer.transport.pause_reading()
    connection.writer.transport.set_write_buffer_limits(high=100_000)
    try:
        async with asyncio.timeout(20):
            while True:
                await connection.send(GET * 500)
    except (TimeoutError, ConnectionError):
        pass
    connection.reset()
    return 0


#: What may answer, how many do it at once, and the size of the client's receive buffer.
ATTACKS = [
    (slow_head, {408, 0}, 20, None), (half_body, {408, 0}, 20, None), (half_chunk, {408, 0}, 10, None),
    (reset, {0}, 4, None), (connect_and_close, {0}, 2, None), (oversize_announced, {413, 0}, 1, None),
    (oversize_number, {400, 413}, 1, None), (oversize_chunked, {413, 0}, 1, None), (tiny_chunks, {413, 0}, 1, None),
    (oversize_head, {431, 0}, 1, None), (long_target, {414, 0}, 1, None), (junk, {400, 505, 431, 501}, 2, None),
    (pipelined_junk, {400}, 2, None), (smuggling, {400, 501}, 2, None), (bad_chunks, {400}, 2, None),
    (foreign, {400, 505}, 1, None), (gzip_bomb, {413}, 1, None), (bad_coding, {400}, 1, None),
    (deep_json, {400}, 1, None), (false_tensor, {400, 413, 503}, 1, None), (many_tensors, {400}, 1, None),
    (aborted_reader, {0}, 6, 4_096), (trickling_reader, {0}, 4, 4_096),
    (endless_pipeline, {0}, 2, 4_096),
]


class Record:
    def __init__(self):
        self.statuses = collections.defaultdict(collections.Counter)
        self.faults = []
        #: Seconds for which this program stood still, because others had the machine.
        self.lag = 0.0

    async def watch_lag(self):
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.5)
            self.lag += max(0.0, time.monotonic() - start - 0.6)

    def fault(self, text):
        self.faults.append(text)

    def judge_closes(self):
        for function, allowed, _, _ in ATTACKS:
            counts = self.statuses[function.__name__]
            if 0 not in allowed and counts[0] > 3 + sum(counts.values()) / 20:
                self.fault(f"{function.__name__}: {counts[0]} of {sum(counts.values())} were closed unanswered")


async def attack(entry, port, end, seed, record):
    function, allowed, _, receive_buffer = entry
    name = function.__name__
    dice = random.Random(seed)
    while time.monotonic() < end:
        connection, lag = None, record.lag
        try:
            async with asyncio.timeout(PATIENCE):
                connection = await wire.Connection.open(port, receive_buffer)
                status = await function(connection, dice)
            record.statuses[name][status] += 1
            if status and status not in allowed:
                record.fault(f"{name} (seed {seed}): {status}, expected one of {sorted(allowed)}")
        except TimeoutError:
            if record.lag - lag > 5:
                record.statuses[name]["late"] += 1
                continue
            record.fault(f"{name} (seed {seed}): not ended within {PATIENCE} s")
        except ConnectionError:
            record.statuses[name][0] += 1
        except Exception as error:
            record.fault(f"{name} (seed {seed}): {type(error).__name__} {error}")
        finally:
            if connection:
                connection.writer.transport.abort()
        await asyncio.sleep(dice.random() / 5)


async def idle(port, end, record):
    """Holds a connection open and says nothing, until the server has enough of it."""
    while time.monotonic() < end:
        try:
            connection = await wire.Connection.open(port)
            record.statuses["idle"]["opened"] += 1
            async with asyncio.timeout(max(0.1, end - time.monotonic())):
                await connection.reader.read(1)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            connection.writer.transport.abort()
        await asyncio.sleep(1)


async def main():
    port, seconds, idlers = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    record, tasks = Record(), []
    watch = asyncio.create_task(record.watch_lag())
    end = time.monotonic() + seconds
    start = time.time_ns()
    for entry in ATTACKS:
        tasks += [asyncio.create_task(attack(entry, port, end, start + len(tasks) + i, record)) for i in range(entry[2])]
    for index in range(idlers):
        tasks.append(asyncio.create_task(idle(port, end, record)))
        if index % 50 == 49:
            await asyncio.sleep(0.05)
    await asyncio.gather(*tasks)
    watch.cancel()
    record.judge_closes()
    print(json.dumps({"statuses": record.statuses, "lag": record.lag, "faults": len(record.faults), "examples": record.faults[:10]}))


if __name__ == "__main__":
    asyncio.run(main())
