# SPDX-License-Identifier: MIT
"""The C side of lend.py: the library, its structs and its functions, as ctypes has them.

The structs are those of the headers, field by field; tests/python compares each offset with what
the C compiler says. LEND_LIBRARY names the folder with liblend.so, if the loader would not find it.
"""
import ctypes
import ctypes.util
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_int, c_int32, c_int64,
                    c_size_t, c_uint32, c_uint64, c_void_p)


def _open(name):
    folder = os.environ.get("LEND_LIBRARY")
    path = os.path.join(folder, f"lib{name}.so") if folder else ctypes.util.find_library(name)
    return ctypes.CDLL(path) if path and (not folder or os.path.exists(path)) else None


lend = _open("lend")
if lend is None:
    raise ImportError("there is no liblend.so: LEND_LIBRARY may name its folder")
ocr = _open("lend-ocr")


class Deadline(Structure):  # lend_deadline
    _fields_ = [("at_ns", c_int64)]


class Reason(Structure):
    _fields_ = [("error", c_int), ("text", c_char * 252)]


Load = CFUNCTYPE(c_int, POINTER(c_void_p), c_void_p, POINTER(Reason))
Unload = CFUNCTYPE(None, c_void_p, c_void_p)
Reset = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(Reason))
Sink = CFUNCTYPE(None, c_void_p, c_void_p)


class ModelOps(Structure):
    _fields_ = [("size", c_size_t), ("load", Load), ("unload", Unload), ("reset", Reset),
                ("check", Reset)]


class PoolOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("ops", POINTER(ModelOps)),
        ("ops_context", c_void_p), ("models", c_uint32), ("waiters_max", c_uint32),
        ("wait_ms_default", c_int64), ("loaders", c_uint32), ("progress", c_void_p),
        ("progress_context", c_void_p), ("models_max", c_uint32), ("spares", c_uint32),
        ("recycle_lends", c_uint64), ("recycle_ms", c_int64), ("check_every_ms", c_int64),
        ("hold_alarm_ms", c_int64), ("stall_alarm_ms", c_int64), ("load_alarm_ms", c_int64),
        ("model_threads", c_uint32), ("model_bytes", c_uint64), ("memory_left", c_void_p),
        ("memory_context", c_void_p), ("sink", c_void_p), ("sink_context", c_void_p),
        ("reason", POINTER(Reason))]


class Lease(Structure):
    _fields_ = [("model", c_void_p), ("report", c_void_p), ("pool", c_void_p),
                ("generation", c_uint64), ("slot", c_uint32), ("error", c_int)]


Acquired = CFUNCTYPE(None, POINTER(Lease), c_void_p)


class RequestSpec(Structure):
    _fields_ = [("size", c_size_t), ("queue", c_void_p), ("acquired", Acquired),
                ("argument", c_void_p), ("task", c_uint64)]


class ExecutorOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("pool", c_void_p), ("workers", c_uint32),
        ("queue_max", c_uint32), ("queue_bytes_max", c_uint64), ("when_full", c_int),
        ("job_ms_default", c_int64), ("worker_begins", c_void_p), ("worker_ends", c_void_p),
        ("worker_context", c_void_p), ("sink", c_void_p), ("sink_context", c_void_p),
        ("reason", POINTER(Reason))]


Run = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)
Drop = CFUNCTYPE(None, c_void_p)
Decided = CFUNCTYPE(None, c_void_p, c_void_p)


class JobSpec(Structure):
    _fields_ = [("size", c_size_t), ("run", c_void_p), ("argument", c_void_p),
                ("drop_argument", c_void_p), ("done", c_void_p), ("done_argument", c_void_p),
                ("deadline", Deadline), ("bytes", c_uint64)]


class OcrLimits(Structure):
    _fields_ = [("bytes_max", c_uint64), ("pixels_max", c_uint64), ("side_max", c_uint32),
                ("pages_max", c_uint32)]


class OcrOptions(Structure):
    _fields_ = [("size", c_size_t), ("languages", c_char_p), ("datapath", c_char_p),
                ("psm", c_int), ("dpi", c_int), ("limits", OcrLimits), ("engine_threads", c_bool)]


class OcrRequest(Structure):
    _fields_ = [("size", c_size_t), ("data", c_char_p), ("data_size", c_size_t), ("psm", c_int),
                ("dpi", c_int), ("limits", c_void_p), ("deadline", Deadline),
                ("must_stop", c_void_p), ("must_stop_context", c_void_p)]


Write = CFUNCTYPE(c_int, c_void_p, c_size_t, c_void_p)


class OcrPrinter(Structure):
    _fields_ = [("print_as", c_int), ("write", Write), ("write_context", c_void_p),
                ("pages", c_uint32)]


# The structs by their names in C; of the fields only `print_as` has another one there, `as`.
STRUCTS = {
    "lend_deadline": Deadline, "lend_reason": Reason, "lend_model_ops": ModelOps,
    "lend_pool_options": PoolOptions, "lend_lease": Lease, "lend_request_spec": RequestSpec,
    "lend_executor_options": ExecutorOptions, "lend_job_spec": JobSpec}
OCR_STRUCTS = {
    "lend_ocr_limits": OcrLimits, "lend_ocr_options": OcrOptions, "lend_ocr_request": OcrRequest,
    "lend_ocr_printer": OcrPrinter}


def _declare(library, result, name, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


P = c_void_p
for declaration in (
        (c_char_p, "lend_errname", c_int), (c_char_p, "lend_strerror", c_int),
        (Deadline, "lend_within_ms", c_int64), (c_bool, "lend_thread_forbid_blocking", c_bool),
        (c_int, "lend_pool_open", POINTER(P), POINTER(PoolOptions)),
        (c_int, "lend_pool_close", P, Deadline, POINTER(P)),
        (c_size_t, "lend_pool_print", P, c_char_p, c_size_t),
        (c_size_t, "lend_pool_print_json", P, c_char_p, c_size_t),
        (c_size_t, "lend_report_print", P, c_char_p, c_size_t), (None, "lend_report_free", P),
        (None, "lend_release", POINTER(Lease)), (Lease, "lend_lease_take", POINTER(Lease)),
        (c_int, "lend_lease_error", POINTER(Lease)), (P, "lend_lease_report", POINTER(Lease)),
        (c_int, "lend_completions_open", POINTER(P)), (c_int, "lend_completions_close", P),
        (c_int, "lend_completions_descriptor", P), (c_uint32, "lend_completions_run", P, c_uint32),
        (c_int, "lend_acquire_later", P, Deadline, POINTER(RequestSpec), POINTER(P)),
        (c_int, "lend_request_cancel", P),
        (c_int, "lend_executor_open", POINTER(P), POINTER(ExecutorOptions)),
        (c_int, "lend_executor_close", P, Deadline),
        (c_int, "lend_submit", P, POINTER(JobSpec), POINTER(P)),
        (c_int, "lend_future_then", P, P, Decided, P), (c_int, "lend_future_cancel", P),
        (c_int, "lend_future_error", P), (c_char_p, "lend_future_reason", P),
        (P, "lend_future_peek", P), (None, "lend_future_drop", P)):
    _declare(lend, *declaration)
if ocr is not None:
    _declare(ocr, c_int, "lend_ocr_print", POINTER(OcrPrinter), c_char_p, P)


def options(struct, **values):
    """A struct with its size, and these fields set."""
    return struct(size=ctypes.sizeof(struct), **values)


def sentence(error):
    return lend.lend_strerror(error).decode()


def printed(function, handle):
    """What one of lend's printing functions writes: JSON whole, so until it fits."""
    size = 64 * 1024
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = function(handle, buffer, size)
        if length < size:
            return buffer.value.decode(errors="replace")
        size = 2 * length
