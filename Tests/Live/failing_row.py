"""Batches of every size with a row that fails the whole of them: only that row's request may fail.

failing_row.py: a verdict, and exit code 1 if it does not hold.
"""

import asyncio
import json
import random
import sys
import urllib.request

import fragile
import wire


async def one_batch(port, connections, size, bad):
    """Has `size` requests wait behind one that runs, so that they form a batch; what went wrong, as a text."""
    first, *others = connections[:size + 1]
    await first.send(fragile.request(fragile.SLEEPS))
    await asyncio.sleep(0.03)
    for index, connection in enumerate(others):
        await connection.send(fragile.request(-1.0 if index == bad else float(index)))
    if fragile.result(await first.response()) != 2 * fragile.SLEEPS:
        return "the request before the batch failed"
    for index, connection in enumerate(others):
        answer = await connection.response()
        if index == bad:
            if answer[0] != 400 or b"a row is negative" not in answer[2]:
                return f"the marked row of {size} was answered {answer[0]}: {answer[2][:200]}"
        elif fragile.result(answer) != 2.0 * index:
            return f"row {index} of {size}, beside the marked row {bad}, was answered {answer[0]}: {answer[2][:200]}"
    return None


def last_batch(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/models/fragile/batching", timeout=10) as answer:
        return json.load(answer)["batches"][-1]


async def run(port, seed):
    dice = random.Random(seed)
    connections = [await wire.Connection.open(port) for _ in range(fragile.MOST_ROWS + 1)]
    faults, whole = [], 0
    for size in range(1, fragile.MOST_ROWS + 1):
        for bad in sorted({0, size - 1, dice.randrange(size)}):
            fault = await one_batch(port, connections, size, bad)
            if fault:
                faults.append(fault)
            whole += last_batch(port)["rows"] == size
    for connection in connections:
        await connection.close()
    return faults, whole


def main():
    seed = random.randrange(1 << 32)
    print(f"failing row: seed {seed}", flush=True)
    with fragile.FragileServer() as server:
        faults, whole = asyncio.run(run(server.port, seed))
    for fault in faults[:10]:
        print(f"FAIL  {fault}")
    print(f"{'FAIL' if faults else 'pass'}  only the marked row's request failed, in batches of 1 to {fragile.MOST_ROWS} rows;"
          f" {whole} of them ran whole at first, {len(faults)} went wrong")
    sys.exit(1 if faults or whole < fragile.MOST_ROWS else 0)


if __name__ == "__main__":
    main()
