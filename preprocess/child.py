"""The decode child: `python -m preprocess.child`. Answers requests on standard output until standard input ends."""

import importlib
import os
import resource
import signal
import sys

from preprocess.errors import PictureError
from preprocess.limits import Limits
from preprocess.preprocess import preprocess
from preprocess.rendition import described_rendition
from preprocess.wire import HELLO, DecodeAnswer, read_request, write_answer

importlib.import_module("preprocess.decode")  # the formats' libraries, of which the memory is limited below

_GRACE_S = 10.0
_BYTES_PER_PIXEL = 16
_BASE_BYTES = 512 * 2**20


def _address_space() -> int:
    """How much of its address space this process uses, in bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


_LIBRARIES_BYTES = _address_space() or _BASE_BYTES
"""Taken before the first picture, mostly by libraries and hardly by memory in use."""


def main() -> None:
    """Answer requests until the worker closes standard input."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # decoder libraries print what they think of a picture; the answer says all that matters
        os.dup2(nowhere, descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to hear
    answers.write(HELLO)
    answers.flush()
    limited = None
    while (request := read_request(sys.stdin.buffer)) is not None:
        data, wanted, limits = request
        if limits != limited:
            _limit_memory(limits)
            limited = limits
        # The worker kills a child that takes too long; should it be dead itself, this ends the child even in C code.
        signal.setitimer(signal.ITIMER_REAL, limits.decode_seconds + _GRACE_S)
        try:
            if isinstance(wanted, int):
                answer = DecodeAnswer(*described_rendition(data, wanted, limits))
            else:
                answer = DecodeAnswer(*preprocess(data, wanted, limits))
        except PictureError as error:
            answer = DecodeAnswer(problem=error)
        except Exception as error:  # a fault of ours: the worker must hear of it, and it is tried again
            answer = DecodeAnswer(failure=f"{type(error).__name__}: {error}")
        signal.setitimer(signal.ITIMER_REAL, 0)
        write_answer(answers, answer)
        del data, request, answer


def _limit_memory(limits: Limits) -> None:
    """Let a decoder that asks for more memory than any acceptable picture needs get a MemoryError."""
    if limits.child_bytes is None:
        allowed = _BASE_BYTES + _BYTES_PER_PIXEL * limits.max_pixels + 2 * limits.max_bytes
    else:
        allowed = _LIBRARIES_BYTES + limits.child_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (allowed if hard == resource.RLIM_INFINITY else min(allowed, hard), hard))


if __name__ == "__main__":
    main()
