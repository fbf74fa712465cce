"""Addresses attached to a message, against a server on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gptchat.attachments import SizeLimits, load
from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import UsageError
from tests.attachments.test_files import CHINESE, png

PAGE = """<html><head><title>Tea</title><style>p {}</style><script>let x = '<p>';</script></head>
<body><nav><a href=/>Home</a></nav><h1>Green&nbsp;tea</h1><p>Steep for <b>two</b>
minutes.</p><ul><li>water<li>leaves</ul><svg><text>no</text></svg></body></html>"""


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        released: threading.Event = self.server.released  # type: ignore[attr-defined] # set by the fixture
        match self.path:
            case "/plain" | "/%E8%8C%B6?q=%E8%8C%B6":
                self.answer("text/plain; charset=gb18030", CHINESE.encode("gb18030"))
            case "/wrong-charset":
                self.answer("text/plain; charset=ascii", CHINESE.encode())
            case "/page":
                self.answer("text/html; charset=utf-8", PAGE.encode())
            case "/image":
                self.answer("application/octet-stream", png(5, 4))
            case "/binary":
                self.answer("application/octet-stream", bytes(100))
            case "/big":
                self.answer("text/plain", b"x" * 5000)
            case "/moved":
                self.answer("text/plain", b"", 302, Location="/plain")
            case "/to-a-file":
                self.answer("text/plain", b"", 302, Location="file:///etc/passwd")
            case "/to-ftp":
                self.answer("text/plain", b"", 302, Location="ftp://127.0.0.1/x")
            case "/slow":
                self.send_response(200)
                self.end_headers()
                while not released.wait(0.02):
                    try:
                        self.wfile.write(b"x")
                    except OSError:
                        return
            case _:
                self.answer("text/html", b"<h1>gone</h1>", 404)

    def answer(self, mime: str, data: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.released = threading.Event()  # type: ignore[attr-defined] # lets slow answers end
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.released.set()  # type: ignore[attr-defined] # as above
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/plain", "/moved", "/wrong-charset", "/茶?q=茶"])
def test_text(address: str, path: str) -> None:
    """A text is decoded as the server says, or as it is where the server is wrong; what was fetched is told."""
    loaded = load(address + path)
    assert loaded.attachments[0].text == CHINESE
    assert loaded.attachments[0].name == address + path
    assert loaded.notes[0].startswith(f"fetched {address}/")
    assert "(text/plain, " in loaded.notes[0]


def test_a_page(address: str) -> None:
    """A page of the web comes as its words, without scripts, styles and navigation."""
    (item,) = load(f"{address}/page").attachments
    assert item.text == "Tea\n\nGreen tea\n\nSteep for two\nminutes.\n\n- water\n- leaves"


def test_an_image(address: str) -> None:
    """An image is known by its bytes whatever the server calls it."""
    (item,) = load(f"{address}/image", vision=True).attachments
    assert (item.kind, item.mime) == ("image", "image/png")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", "answered 404"),
        ("/binary", "is not text"),
        ("/big", "larger than 1.0 kB"),
        ("/to-a-file", "not on the web"),
        ("/to-ftp", "not on the web"),
        ("/slow", "takes too long"),
    ],
)
def test_what_is_refused(address: str, path: str, reason: str) -> None:
    """Missing, binary, huge, endless, or leading off the web: each has its reason and a way on."""
    with pytest.raises(UsageError) as caught:
        load(address + path, limits=SizeLimits(file=1000, image=1000, timeout=0.3))
    assert reason in caught.value.message
    assert caught.value.hint


def test_nobody_there() -> None:
    """A server that is not there, or an address that is none, is told as such, in words and not in numbers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for reference in (
            f"http://127.0.0.1:{port}/",
            "http://",
            "http://[",
            "https://x:notaport/",
            "http://\u3002/",
        ):
            with pytest.raises(UsageError) as caught:
                load(reference)
            assert caught.value.hint
            assert "Errno" not in caught.value.message


def test_importing_is_light() -> None:
    """Until an address is fetched or a command run, no HTTP library and no event loop is loaded."""
    code = (
        "import sys, gptchat.attachments\n"
        "print([n for n in ('openai', 'httpx2', 'urllib.request', 'asyncio', 'subprocess') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_no_proxy_at_all(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`none` as the proxy of the settings goes around the environment's proxy too."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert load(f"{address}/plain", network=NetworkSettings(proxy="None")).attachments[0].text == CHINESE
    with pytest.raises(UsageError):
        load(f"{address}/plain")
