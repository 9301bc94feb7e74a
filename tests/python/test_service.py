# SPDX-License-Identifier: MIT
"""The five failures of the service that lend began with: none of them is one any more."""
import asyncio
import contextlib
import gc
import os
import random
import threading
import time
import unittest

import lend
import service

PATIENCE = 60  # seconds after which something hangs


def run(main):
    """On a loop whose thread must not block: a call of lend that would is an error."""
    async def guarded():
        lend.forbid_blocking()
        try:
            return await asyncio.wait_for(main, PATIENCE)
        finally:
            lend.forbid_blocking(False)
    return asyncio.run(guarded())


class FiveFailures(unittest.TestCase):
    def setUp(self):
        self.service = service.DocumentService()

    def tearDown(self):
        self.assertEqual(self.service.free(), service.MODELS)
        self.service.close()

    def test_1_a_failing_job_does_not_keep_its_model(self):
        self.assertEqual(run(service.leak(self.service)), "x")

    def test_2_a_loop_with_more_tasks_than_models_goes_on(self):
        self.assertEqual(run(service.suspend(self.service)), ["TextSystem x"] * 5)

    def test_3_a_cancelled_task_does_not_keep_its_model(self):
        self.assertEqual(run(service.cancel(self.service)), "x")

    def test_4_the_bound_is_an_exception_with_its_reason(self):
        self.assertEqual(run(service.bound(self.service)), ["ENOBUFS"] * 3)

    def test_5_an_error_carries_its_cause(self):
        async def main():
            with self.assertRaisesRegex(RuntimeError, "the model failed"):
                await self.service.read("bad")
            async with self.service.pool.borrow(), self.service.pool.borrow(), \
                    self.service.pool.borrow(), self.service.pool.borrow():
                with self.assertRaises(lend.LendError) as failure:
                    async with self.service.pool.borrow(timeout=0.01):
                        self.fail("there is no fifth model")
            self.assertEqual(failure.exception.name, "ETIMEDOUT")
            self.assertRegex(str(failure.exception), r'pool "documents": no model within .*4 of 4 '
                             r"lent: #\d task \d+ \(thread \d+\) for .*every model is in use")
        run(main())


class Throughput(unittest.TestCase):
    def test_four_models_are_four_times_as_fast_as_one(self):
        best = 0.0
        for _ in range(5):  # the machine may have other things to do
            best = max(best, service.show(service.throughput, waiting=40))
            if best >= 3.8:
                break
        self.assertGreaterEqual(best, 3.8)


class Cancellation(unittest.TestCase):
    def test_of_a_thousand_tasks_at_random_moments_leaves_every_model_free(self):
        crowd = service.DocumentService(waiting=2000)
        chance = random.Random(17)

        async def borrow():
            async with crowd.pool.borrow() as model:
                await asyncio.sleep(chance.random() * 0.002)
                return model

        async def main():
            tasks = [asyncio.create_task(borrow() if i % 2 else crowd.read("x"))
                     for i in range(1000)]
            for task in chance.sample(tasks, len(tasks)):
                if chance.random() < 0.05:
                    await asyncio.sleep(chance.random() * 0.01)
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            end = time.monotonic() + PATIENCE / 2
            while ((crowd.free() < service.MODELS or lend._handed_over)  # pylint: disable=W0212
                   and time.monotonic() < end):
                await asyncio.sleep(0.001)
            self.assertEqual(crowd.free(), service.MODELS)
            async with crowd.pool.borrow(), crowd.pool.borrow(), crowd.pool.borrow(), \
                    crowd.pool.borrow():
                pass
            return [outcome for outcome in outcomes
                    if not isinstance(outcome, (asyncio.CancelledError, str, service.TextSystem))]

        self.assertEqual(run(main()), [])
        crowd.close()
        gc.collect()
        self.assertEqual(lend._handed_over, {})  # pylint: disable=protected-access


class Module(unittest.TestCase):
    def test_a_loader_that_raises_is_told_in_its_words(self):
        def load():
            raise ValueError("no such weights")
        with self.assertRaisesRegex(lend.LendError, "EIO: .*no such weights"):
            lend.Pool(load, models=1)

    def test_each_loop_has_a_queue_that_goes_with_it(self):
        pool = lend.Pool(object, models=1)

        async def main():
            async with pool.borrow():
                pass
        gc.collect()  # the loops of other tests
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            asyncio.run(main())
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        pool.close()

    def test_a_state_is_whole_however_long_it_is(self):
        pool = lend.Pool(object, models=1500)

        async def main():
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(1500):
                    await stack.enter_async_context(pool.borrow())
                self.assertEqual(len(pool.state()["holders"]), 1500)
        run(main())
        pool.close()

    def test_closing_says_who_has_what(self):
        pool = lend.Pool(object, models=1, name="kept")

        async def main():
            async with pool.borrow():
                with self.assertRaisesRegex(lend.LendError, 'pool "kept": not closed within'):
                    await asyncio.to_thread(pool.close, 0.01)
        asyncio.run(main())
        pool.close()

    def test_a_job_that_raises_stop_iteration_is_told_as_a_runtime_error(self):
        pool = lend.Pool(object, models=1)
        executor = lend.Executor(pool)
        with self.assertRaisesRegex(RuntimeError, "StopIteration") as failure:
            run(executor.run(lambda _model: next(iter(()))))
        self.assertIsInstance(failure.exception.__cause__, StopIteration)
        executor.close()
        pool.close()

    def test_a_coroutine_that_is_closed_while_it_waits_leaves_no_request_behind(self):
        pool = lend.Pool(object, models=1)

        async def main():
            async with pool.borrow() as model:
                waiting = pool.borrow().__aenter__()
                waiting.send(None)  # up to where it waits
                waiting.close()
                self.assertEqual(lend._handed_over, {})  # pylint: disable=protected-access
            async with pool.borrow(timeout=5) as again:
                self.assertIs(again, model)
        run(main())
        pool.close()

    def test_a_coroutine_that_is_closed_while_it_waits_takes_its_job_back(self):
        pool = lend.Pool(object, models=1)
        executor = lend.Executor(pool)
        go_on, started = threading.Event(), []

        async def main():
            first = asyncio.create_task(executor.run(lambda _model: go_on.wait(PATIENCE)))
            await asyncio.sleep(0)  # it is the first to be submitted
            closed = executor.run(started.append)
            closed.send(None)
            closed.close()
            go_on.set()
            self.assertTrue(await first)
            await executor.run(lambda _model: None)  # comes after the other
            self.assertEqual(started, [])
        run(main())
        executor.close()
        pool.close()

    @unittest.skipIf(lend.ocr is None, "no liblend-ocr.so")
    def test_a_page_is_read_as_the_command_reads_it(self):
        folder = os.path.join(os.environ["LEND_SOURCE_DIR"], "examples", "pages")
        pool = lend.OcrPool(models=1)
        executor = lend.Executor(pool)
        texts = run(service.pages(executor, [os.path.join(folder, "eng_1.png")]))
        with open(os.path.join(folder, "eng_1.txt"), encoding="utf-8") as file:
            self.assertEqual("".join(list(texts.values())).split(), file.read().split())
        with self.assertRaisesRegex(lend.LendError, "ENOTSUP"):
            run(executor.ocr(b"no picture"))
        executor.close()
        pool.close()


if __name__ == "__main__":
    unittest.main()
