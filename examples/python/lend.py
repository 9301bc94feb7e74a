# SPDX-License-Identifier: MIT
"""lend for asyncio: pools of models, borrowed without blocking the loop.

    pool = lend.Pool(load=Engine, models=4)         # loads four; before the loop, or in a thread
    executor = lend.Executor(pool, queue_max=64)

    async with pool.borrow(timeout=0.5) as engine:  # a model on the loop's own thread
        ...
    text = await executor.run(recognise, image)     # recognise(engine, image) on a worker
    text = await executor.ocr(png)                  # with an OcrPool

Nothing that is awaited here blocks: the loop watches one descriptor, and lend answers there. To
cancel a task is to cancel its wait or its job; a model that was lent to it meanwhile goes back. A
failure is a LendError, whose text is lend's report: who has the models, since when, from where.
"""
import asyncio
import ctypes
import itertools
import json
import weakref
from ctypes import byref, c_void_p

import lend_library as c
from lend_library import lend, ocr

_EIO = 5
_AS_TEXT = 0  # enum lend_ocr_print_as
_BUDGET = 64  # callbacks in one turn of the loop


class LendError(Exception):
    """Why lend could not: .error is the errno value, .name its name, and the text the reason."""

    def __init__(self, error, text=""):
        self.error = error
        self.name = lend.lend_errname(error).decode()
        super().__init__(f"{self.name}: {text or c.sentence(error)}")


def _check(error, text=""):
    if error != 0:
        raise LendError(error, text)


def _deadline(timeout):
    """None: the default of the pool or executor."""
    return c.Deadline() if timeout is None else lend.lend_within_ms(round(timeout * 1000))


# What C knows by a number or address, from when it is handed over until C has no more use for it.
_numbers = itertools.count(1)
_handed_over = {}


def _hand_over(thing):
    number = next(_numbers)
    _handed_over[number] = thing
    return number


class _Queue:
    """The completion queue of one event loop."""

    def __init__(self, loop):
        self.handle = c_void_p()
        _check(lend.lend_completions_open(byref(self.handle)))
        loop.add_reader(lend.lend_completions_descriptor(self.handle), self.run)

    def run(self):
        lend.lend_completions_run(self.handle, _BUDGET)

    def close(self):
        """Once its loop is gone. If a job still runs, the queue stays for its answer's sake."""
        lend.lend_completions_run(self.handle, 2**32 - 1)
        lend.lend_completions_close(self.handle)


_queues = weakref.WeakKeyDictionary()


def _queue():
    loop = asyncio.get_running_loop()
    if loop not in _queues:
        _queues[loop] = _Queue(loop)
        weakref.finalize(loop, _queues[loop].close)
    return _queues[loop]


def forbid_blocking(forbidden=True):
    """Have every call of lend on this thread that would block fail instead. Returns what was."""
    return lend.lend_thread_forbid_blocking(forbidden)


def _report_of(lease):
    report = lend.lend_lease_report(byref(lease))
    return c.printed(lend.lend_report_print, report) if report else ""


class _Request:
    """One wait for a model, in the name of the asyncio task that waits."""

    def __init__(self, future):
        self.future = future
        self.handle = c_void_p()


@c.Acquired
def _on_acquired(lease, number):
    future = _handed_over.pop(number).future
    if future.cancelled():
        return  # lend takes back what is left in the lease
    error = lend.lend_lease_error(lease)
    if error == 0:
        future.set_result(lend.lend_lease_take(lease))
    else:
        future.set_exception(LendError(error, _report_of(lease.contents)))


class _Borrow:
    """async with: a model, released on every way out. On the loop's own thread."""

    def __init__(self, pool, timeout):
        self.pool, self.timeout, self.lease = pool, timeout, None

    async def __aenter__(self):
        request = _Request(asyncio.get_running_loop().create_future())
        number = _hand_over(request)
        spec = c.options(c.RequestSpec, queue=_queue().handle, acquired=_on_acquired,
                         argument=number, task=number)
        error = lend.lend_acquire_later(self.pool.handle, _deadline(self.timeout), byref(spec),
                                        byref(request.handle))
        if error != 0:
            del _handed_over[number]
            raise LendError(error, f"{c.sentence(error)}; {self.pool.print()}")
        try:
            self.lease = await request.future
        except BaseException:  # cancelled, or the coroutine is closed here
            if number in _handed_over:  # it has not been told so far
                lend.lend_request_cancel(request.handle)
                del _handed_over[number]
            elif not request.future.cancelled() and request.future.exception() is None:
                lend.lend_release(byref(request.future.result()))
            raise
        return self.pool.model_at(self.lease.model)

    async def __aexit__(self, kind, error, trace):
        lend.lend_release(byref(self.lease))


class Pool:
    """A bounded pool of models: whatever load() returns. Opening blocks while they are loaded."""

    def __init__(self, load, unload=None, reset=None, *, models, name="pool", waiters_max=0):
        self._models, self._load, self._unload, self._reset = {}, load, unload, reset
        self._ops = c.options(c.ModelOps, load=c.Load(self._on_load),
                              unload=c.Unload(self._on_unload))
        if reset is not None:
            self._ops.reset = c.Reset(self._on_reset)
        self._open(self._ops, models=models, name=name.encode(), waiters_max=waiters_max)

    def _open(self, ops, **values):
        self.handle, reason = c_void_p(), c.Reason()
        values = c.options(c.PoolOptions, ops=ctypes.pointer(ops), **values)
        values.reason = ctypes.pointer(reason)
        error = lend.lend_pool_open(byref(self.handle), byref(values))
        _check(error, reason.text.decode(errors="replace"))

    def _on_load(self, ret_model, _context, reason):
        try:
            model = self._load()
        except Exception as error:  # pylint: disable=broad-except  # it has to become a number
            reason.contents.text = repr(error).encode()[:251]
            return _EIO
        number = next(_numbers)
        self._models[number] = model
        ret_model[0] = number
        return 0

    def _on_unload(self, model, _context):
        gone = self._models.pop(model)
        if self._unload is not None:
            self._unload(gone)

    def _on_reset(self, model, _context, reason):
        try:
            self._reset(self._models[model])
        except Exception as error:  # pylint: disable=broad-except
            reason.contents.text = repr(error).encode()[:251]
            return _EIO
        return 0

    def model_at(self, pointer):
        return self._models[pointer]

    def borrow(self, timeout=None):
        """async with pool.borrow() as model: ..."""
        return _Borrow(self, timeout)

    def print(self):
        """The pool's state, in a line."""
        return c.printed(lend.lend_pool_print, self.handle)

    def state(self):
        """The same as a dict."""
        return json.loads(c.printed(lend.lend_pool_print_json, self.handle))

    def close(self, timeout=None):
        """Blocks until every model is back."""
        report = c_void_p()
        error = lend.lend_pool_close(self.handle, _deadline(timeout), byref(report))
        text = c.printed(lend.lend_report_print, report) if report else ""
        lend.lend_report_free(report)
        _check(error, text)


class OcrPool(Pool):
    """A pool of Tesseract engines."""

    def __init__(self, languages="eng", *, models, name="ocr", waiters_max=0):
        if ocr is None:
            raise ImportError("there is no liblend-ocr.so")
        self._options = c.options(c.OcrOptions, languages=languages.encode())
        self._open(c.ModelOps.in_dll(ocr, "lend_ocr_model_ops"), models=models,
                   name=name.encode(), waiters_max=waiters_max,
                   ops_context=ctypes.addressof(self._options))

    def model_at(self, pointer):
        return pointer


class _Job:
    """One job, until lend has no more use for it."""

    def __init__(self, pool, function, arguments):
        self.pool, self.function, self.arguments = pool, function, arguments
        self.result = self.exception = None


@c.Run
def _run_job(model, number, _job):
    job = _handed_over[number]
    try:
        job.result = job.function(job.pool.model_at(model), *job.arguments)
    except BaseException as error:  # pylint: disable=broad-except  # it is raised where it is awaited
        job.exception = error
        return _EIO
    return 0


@c.Drop
def _drop(number):
    del _handed_over[number]


class _Outcome:
    """What an awaiting task is told of its job."""

    def __init__(self, future, take):
        self.future, self.take = future, take


def _raisable(error):
    """A future takes no StopIteration, which in the coroutine that awaits it would mean another."""
    if not isinstance(error, StopIteration):
        return error
    instead = RuntimeError(f"the job raised {error!r}")
    instead.__cause__ = error
    return instead


@c.Decided
def _on_decided(future, number):
    outcome = _handed_over.pop(number)
    error = lend.lend_future_error(future)
    if outcome.future.cancelled():
        return
    try:
        outcome.future.set_result(outcome.take(future, error))
    except BaseException as reason:  # pylint: disable=broad-except
        outcome.future.set_exception(_raisable(reason))


def _address(function):
    return ctypes.cast(function, c_void_p).value


def _text_of(future, error):
    _check(error, lend.lend_future_reason(future).decode(errors="replace"))
    pieces = []

    @c.Write
    def write(data, size, _context):
        pieces.append(ctypes.string_at(data, size))
        return 0

    printer = c.OcrPrinter(print_as=_AS_TEXT, write=write)
    _check(ocr.lend_ocr_print(byref(printer), b"", lend.lend_future_peek(future)))
    return b"".join(pieces).decode()


class Executor:
    """Threads that run jobs on models of a pool."""

    def __init__(self, pool, *, workers=0, queue_max=0):
        self.pool, self.handle = pool, c_void_p()
        values = c.options(c.ExecutorOptions, pool=pool.handle, workers=workers,
                           queue_max=queue_max)
        _check(lend.lend_executor_open(byref(self.handle), byref(values)))

    async def _submit(self, spec, argument, take):
        """Hand over a job with its argument, which _drop gets back, and await its outcome."""
        handle, future = c_void_p(), asyncio.get_running_loop().create_future()
        queue, spec.drop_argument = _queue(), _address(_drop)
        _handed_over[spec.argument] = argument
        error = lend.lend_submit(self.handle, byref(spec), byref(handle))
        if error != 0:
            _drop(spec.argument)
            raise LendError(error)
        number = _hand_over(_Outcome(future, take))
        try:
            error = lend.lend_future_then(handle, queue.handle, _on_decided, number)
            if error != 0:
                _drop(number)
                raise LendError(error)
            return await future
        except BaseException:  # it is not awaited any more; one that is decided stays as it is
            lend.lend_future_cancel(handle)
            raise
        finally:
            lend.lend_future_drop(handle)

    async def run(self, function, *arguments, timeout=None):
        """function(model, *arguments) on a worker, and its result or exception here."""
        job = _Job(self.pool, function, arguments)

        def take(future, error):
            if job.exception is not None:
                raise job.exception
            _check(error, lend.lend_future_reason(future).decode(errors="replace"))
            return job.result

        spec = c.options(c.JobSpec, run=_address(_run_job), argument=next(_numbers),
                         deadline=_deadline(timeout))
        return await self._submit(spec, job, take)

    async def ocr(self, data, timeout=None):
        """The text in a picture, as the tesseract command prints it."""
        request = c.options(c.OcrRequest, data=data, data_size=len(data))
        spec = c.options(c.JobSpec, run=_address(ocr.lend_ocr_job),
                         argument=ctypes.addressof(request), deadline=_deadline(timeout))
        return await self._submit(spec, request, _text_of)

    def close(self, timeout=None):
        """Blocks until every job is over."""
        _check(lend.lend_executor_close(self.handle, _deadline(timeout)))
