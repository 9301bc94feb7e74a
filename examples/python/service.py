# SPDX-License-Identifier: MIT
"""A document service: four models, an event loop, and five ways in which such a service once died.

    python3 service.py throughput | leak | suspend | cancel | bound
    python3 service.py pages PICTURE...

Its predecessor kept its models in a queue of its own and took them out on the loop's thread. The
first five words show, with a model that sleeps, what became of that: four models and one busy; a
failing job that keeps its model; a loop that blocks in its own pool; a cancelled task that keeps
its model; a bound that nobody held. The last one reads pages, with a heart that beats meanwhile.
"""
import asyncio
import sys
import time

import lend

MODELS, WAITING = 4, 8


class TextSystem:
    """A model that takes 20 ms for anything."""

    def read(self, data):
        time.sleep(0.02)
        if data == "bad":
            raise RuntimeError("the model failed")
        return data


class DocumentService:
    """The service: models, and threads that use them. No model is ever in its hands."""

    def __init__(self, waiting=WAITING):
        self.pool = lend.Pool(TextSystem, models=MODELS, name="documents", waiters_max=waiting)
        self.executor = lend.Executor(self.pool, queue_max=waiting)

    async def read(self, data):
        return await self.executor.run(TextSystem.read, data)

    def free(self):
        return self.pool.state()["free"]

    def close(self):
        self.executor.close(5)
        self.pool.close(5)


async def throughput(service):
    """40 jobs of 20 ms: ten rounds of four."""
    busy = []

    def read_and_clock(model, data):
        began = time.monotonic()
        model.read(data)
        busy.append(time.monotonic() - began)

    began = time.monotonic()
    await asyncio.gather(*[service.executor.run(read_and_clock, "x") for _ in range(40)])
    took = time.monotonic() - began
    print(f"40 jobs of 20 ms on 4 models: {took:.2f} s, effective concurrency "
          f"{sum(busy) / took:.2f}")
    return sum(busy) / took


async def leak(service):
    """Twelve jobs, of which eight fail: the models are back, and the next one is read."""
    for i in range(12):
        try:
            print(i, await service.read("x" if i % 2 == 0 and i < 8 else "bad"), service.free())
        except RuntimeError as error:
            print(i, repr(error), service.free())
    return await service.read("x")


async def suspend(service):
    """Five tasks on four models, each with a pause while it has one: the fifth one waits its turn,
    and the loop does not."""
    async def one(data):
        async with service.pool.borrow() as model:
            await asyncio.sleep(0.01)
            return type(model).__name__ + " " + data

    answers = await asyncio.gather(*[one("x") for _ in range(5)])
    print(answers)
    return answers


async def cancel(service):
    """Tasks that are cancelled while they wait or work: no model stays with them."""
    for _ in range(4):
        task = asyncio.create_task(service.read("x"))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
    while service.free() < MODELS:  # those that had begun come to their end
        await asyncio.sleep(0.001)
    print("free", service.free())
    return await service.read("x")


async def bound(service):
    """More than the bound allows: said at once to the one who is too many, with the reason."""
    async def borrow_for(seconds):
        async with service.pool.borrow():
            await asyncio.sleep(seconds)

    outcomes = await asyncio.gather(*[borrow_for(0.02) for _ in range(MODELS + WAITING + 3)],
                                    return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, lend.LendError)]
    print(f"{len(outcomes) - len(refused)} served, {len(refused)} refused: {refused[0]}")
    return [error.name for error in refused]


async def beat(beats):
    """A beat every 5 ms: by how much each was late, in ms."""
    due = time.monotonic()
    while True:
        due = max(due + 0.005, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        beats.append((time.monotonic() - due) * 1000)


async def pages(executor, names, seconds=0.0):
    """Read pictures, over and over if need be, two at a time."""
    beats, texts = [], {}
    heart = asyncio.create_task(beat(beats))
    end = time.monotonic() + seconds

    async def read(name):
        with open(name, "rb") as file:
            data = file.read()
        while name not in texts or time.monotonic() < end:
            texts[name] = await executor.ocr(data, timeout=300)

    await asyncio.gather(*[read(name) for name in names])
    heart.cancel()
    late = sum(1 for ms in beats if ms > 10)
    print(f"{len(beats)} beats, {late} late by more than 10 ms, the worst by {max(beats):.1f} ms",
          file=sys.stderr)
    return texts


def read_pages(names):
    pool = lend.OcrPool(models=2)
    executor = lend.Executor(pool, queue_max=len(names))

    async def main():
        lend.forbid_blocking()
        try:
            return await pages(executor, names)
        finally:
            lend.forbid_blocking(False)

    for name, text in asyncio.run(main()).items():
        print(f"{name}:\n{text}", end="")
    executor.close()
    pool.close()


def show(failure, waiting=WAITING):
    """One of the five, on a service of its own, on a thread that must not block."""
    service = DocumentService(waiting)

    async def main():
        lend.forbid_blocking()
        try:
            return await failure(service)
        finally:
            lend.forbid_blocking(False)

    result = asyncio.run(main())
    service.close()
    return result


FAILURES = {"throughput": throughput, "leak": leak, "suspend": suspend, "cancel": cancel,
            "bound": bound}

if __name__ == "__main__":
    words = sys.argv[1:]
    if len(words) > 1 and words[0] == "pages":
        read_pages(words[1:])
    elif len(words) == 1 and words[0] in FAILURES:
        show(FAILURES[words[0]], waiting=40 if words[0] == "throughput" else WAITING)
    else:
        sys.exit("usage: service.py " + " | ".join([*FAILURES, "pages PICTURE..."]))
