"""llama.cpp's own server for tests: started on a free port, with a key, and stopped again."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.llamacpp.make_model import write_model

_HOME = Path(__file__).parents[1] / "llamacpp"
KEY = "sk-local-test-0001"
MODEL = "tiny-bigram"


@dataclass(frozen=True)
class LlamaServer:
    """A running server: its base address, its key, and the name and window of its model."""

    url: str
    key: str = KEY
    model: str = MODEL
    window: int = 1024


def installation() -> Path:
    """The folder the server was unpacked into; skips the test where there is none, and fails it on CI."""
    named = os.environ.get("GPTCHAT_TEST_LLAMACPP")
    for folder in (Path(named) if named else None, _HOME / "root"):
        if folder is None:
            continue
        for root in (folder, folder / "root"):
            if (root / "usr" / "bin" / "llama-server").exists():
                return root
    reason = "llama.cpp's server is not here: run tests/llamacpp/install.sh, or set GPTCHAT_TEST_LLAMACPP"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def llama_server(folder: Path, *, feed_forward: int = 32, options: Sequence[str] = ()) -> Iterator[LlamaServer]:
    """Start the server with its model and log in `folder`; a `feed_forward` of 32768 makes it slow.

    `options` are further ones of its command line.
    """
    root = installation()
    model = folder / f"tiny-{feed_forward}.gguf"
    if not model.exists():
        write_model(model, feed_forward=feed_forward)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    libraries = next((root / "usr" / "lib").glob("*-linux-gnu"))
    # the folder of backends is compiled in as /usr/lib/..., so one is named; x64 runs on any such machine
    backends = sorted((libraries / "ggml").rglob("libggml-cpu*.so"))
    backend = next((path for path in backends if path.name == "libggml-cpu-x64.so"), backends[0])
    loader = next(path for path in (root / "usr" / "lib64", libraries) for path in path.glob("ld-linux-*.so.*"))
    command = [
        *(str(loader), "--library-path", f"{libraries}:{libraries / 'llama'}"),
        *(str(root / "usr" / "bin" / "llama-server"), "--model", str(model), "--alias", MODEL),
        *("--ctx-size", "2048", "--parallel", "2", "--threads", "1", "--offline", "--no-webui"),
        *("--host", "127.0.0.1", "--port", str(port), "--api-key", KEY),
        *options,
    ]
    log = folder / "llama-server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "GGML_BACKEND_PATH": str(backend)}
        )
        try:
            _wait_until_ready(process, port, log)
            yield LlamaServer(f"http://127.0.0.1:{port}/v1")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"llama.cpp's server did not start:\n{log.read_text(errors='replace')[-2000:]}")
