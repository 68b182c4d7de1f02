"""64 clients of a model that batches, half of which hang up at random; the others must be answered rightly.

hang_ups.py [SECONDS]: a verdict, and exit code 1 if it does not hold.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
import urllib.request

import fragile
import wire
from server import wait_until

CLIENTS = 64
MEBIBYTE = 1 << 20


class Count:
    def __init__(self):
        self.right = self.left = 0
        self.wrong = []


async def steady(port, end, count, dice):
    """Asks until the end, on one connection, and checks each answer."""
    connection = await wire.Connection.open(port)
    while time.monotonic() < end:
        value = float(dice.randrange(1, 900))
        await connection.send(fragile.request(value))
        answer = await asyncio.wait_for(connection.response(), 60)
        if fragile.result(answer) == 2 * value:
            count.right += 1
        else:
            count.wrong.append(f"{value}: {answer[0]} {answer[2][:200]}")
    await connection.close()


async def fickle(port, end, count, dice):
    """Asks, and leaves: within the request, while it waits or runs, within the answer, or after it."""
    while time.monotonic() < end:
        connection = await wire.Connection.open(port)
        try:
            for _ in range(dice.randrange(3)):
                await connection.send(fragile.request(2.0))
                await asyncio.wait_for(connection.response(), 60)
            data = fragile.request(dice.choice([2.0, -1.0]))
            await connection.send(data[:dice.randrange(len(data))] if dice.random() < 0.2 else data)
            await asyncio.sleep(dice.choice([0, 0.0005, 0.002, 0.005, 0.01]))
        except (wire.Closed, ConnectionError):
            pass
        if dice.random() < 0.5:
            connection.reset()
        else:
            await connection.close()
        count.left += 1


async def run(server, seconds, seed, samples):
    end = time.monotonic() + seconds
    count = Count()

    async def watch():
        while time.monotonic() < end:
            samples.append(server.resident_bytes())
            await asyncio.sleep(1)

    clients = [
        (steady if index % 2 else fickle)(server.port, end, count, random.Random(seed + index))
        for index in range(CLIENTS)]
    await asyncio.gather(watch(), *clients)
    return count


def waiting(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/models/fragile/batching", timeout=10) as answer:
        return json.load(answer)["waiting"]


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed, verdicts = random.randrange(1 << 32), []

    def say(holds, text):
        verdicts.append(bool(holds))
        print(f"{'pass' if holds else 'FAIL'}  {text}", flush=True)

    print(f"hang-ups: {CLIENTS} clients, half of which leave at random, for {seconds:.0f} s; seed {seed}", flush=True)
    with tempfile.TemporaryFile("w+") as log, fragile.FragileServer(log=log) as server:
        server.get_status("/readyz")
        time.sleep(1)
        before = (server.descriptors(), server.threads())
        samples = []
        count = asyncio.run(run(server, seconds, seed, samples))
        say(not count.wrong, f"{count.right} answers were right, {len(count.wrong)} wrong or missing {count.wrong[:5]}")
        say(count.right > 0 and count.left > 0, f"{count.left} times a client hung up")
        say(server.is_alive() and server.get_status("/readyz") == 200, "the server is alive and ready")
        wait_until(lambda: waiting(server.port) == 0, 10)
        say(waiting(server.port) == 0, "nothing waits any more")
        wait_until(lambda: (server.descriptors(), server.threads()) <= before, 40)
        after = (server.descriptors(), server.threads())
        say(after[0] <= before[0], f"descriptors: {before[0]} before, {after[0]} after")
        say(after[1] <= before[1], f"threads: {before[1]} before, {after[1]} after")
        third = max(1, len(samples) // 3)
        first, last = statistics.median(samples[third:2 * third] or samples), statistics.median(samples[-third:])
        say(last <= first * 1.1 + 8 * MEBIBYTE,
            f"memory is flat: median {first / MEBIBYTE:.1f} MiB in the second third, {last / MEBIBYTE:.1f} MiB in the last")
        code = server.stop()
        say(code == 0, f"SIGTERM ends it with exit code {code}")
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
