"""JSON becomes dataclasses, whichever threads ask for them first."""

import subprocess
import sys

from imagestore.settings import ROOT

_TWO_THREADS = """
import threading
from dataclasses import dataclass
from imagestore.decoding import {function}

begun, second_asks = threading.Event(), threading.Event()
looks = []

class Number:
    def __class_getitem__(cls, kind):  # runs while msgspec looks at the dataclass for the first time
        looks.append(threading.current_thread().name)
        begun.set()
        second_asks.wait()
        return kind

@dataclass
class Inner:
    number: "Number[int]"

@dataclass
class Outer:
    inner: Inner

read = []

def first():
    read.append({function}({given}, Outer))

def second():
    begun.wait()
    second_asks.set()
    read.append({function}({given}, Outer))

threads = [threading.Thread(target=first), threading.Thread(target=second)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert read == [Outer(Inner(7))] * 2, read
assert len(looks) == 1, looks
"""


def _run(function: str, given: str) -> None:
    script = _TWO_THREADS.format(function=function, given=given)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)  # it may crash
    assert done.returncode == 0, done.stderr


def test_two_threads_may_ask_for_a_kind_of_value_at_once() -> None:
    _run("decode", """b'{"inner": {"number": 7}}'""")
    _run("convert", """{"inner": {"number": 7}}""")
