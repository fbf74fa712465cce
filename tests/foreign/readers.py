"""Readers that behave badly, for the tests of the child process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import IO, Any

from gptchat.errors import UsageError


def echo(file: IO[bytes], arguments: dict[str, Any], step: Any) -> Iterator[Any]:
    """What it was given, and what is around it."""
    step(1, 2)
    yield file.read().decode()
    yield {"arguments": arguments, "environment": sorted(os.environ), "modules": sorted(sys.modules)}


def forever(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Says who it is, and never ends; one long call of a library holds the interpreter."""
    yield os.getpid()
    while True:
        sum(range(10**9))


def memory(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Takes all there is."""
    held = []
    while True:
        held.append(bytes(10**7))
        yield 0


def talk(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Never stops talking."""
    while True:
        print("this is no result")
        yield "x" * 1000


def refuse(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Says why it does not read."""
    yield from ()
    raise UsageError("it is locked", hint="unlock it")


def fail(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Has a mistake."""
    yield _arguments["nothing"]


def crash(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Ends as a library does that crashes."""
    yield 1
    os.abort()


def slow(_file: IO[bytes], _arguments: dict[str, Any], _step: Any) -> Iterator[Any]:
    """Takes its time between results."""
    for number in range(6):
        yield number
        time.sleep(0.3)
