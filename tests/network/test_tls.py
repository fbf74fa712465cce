"""TLS that fails: each fault of a certificate or a handshake comes with its own next step."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import ConfigurationError, ProviderError
from gptchat.net.certificates import trust
from tests.providers.asking import ask, provider
from tests.support.peers import ScriptedPeer, deaf, nginx, saying, silent
from tests.support.server import Server

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
SHORT = NetworkSettings(connect_timeout=0.7, idle_timeout=3, max_retries=0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Its certificate, as a PEM file."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


@pytest.fixture
def client_pem(authority: trustme.CA, tmp_path: Path) -> Path:
    """A client's certificate with its key, in one PEM file."""
    path = tmp_path / "client.pem"
    authority.issue_cert("me@example.test").private_key_and_cert_chain_pem.write_to_path(path)
    return path


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's TLS with `certificate`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


@contextmanager
def handshakes_alone(tls: ssl.SSLContext) -> Iterator[str]:
    """The address of a server that sends its alerts, as real ones do and asyncio's does not."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _peer = listening.accept()
                with tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
                    with suppress(OSError):
                        secured.do_handshake()
                    secured.shutdown(socket.SHUT_WR)
                    while secured.recv(4096):  # closing with something unread would take the alert back
                        pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def failure(address: str, **settings: Any) -> ProviderError:
    """The error of a chat with `address`."""
    error = ask(provider(address, network=SHORT, **settings)).failure
    assert isinstance(error, ProviderError), error
    assert error.path is not None, error.message
    return error


def self_signed() -> ssl.SSLContext:
    """A server's TLS with a certificate that signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    blob = trustme.Blob(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    with blob.tempfile() as path:
        made.load_cert_chain(path)
    return made


@pytest.mark.parametrize(
    ("names", "validity", "said", "hint"),
    [
        (("127.0.0.1",), {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}, "has expired", "renew"),
        (("127.0.0.1",), {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY}, "not valid yet", "clock"),
        (("other.example.test",), {}, "for another name", "host name"),
    ],
)
def test_a_certificate_that_does_not_hold(
    authority: trustme.CA, ca_file: str, names: tuple[str, ...], validity: dict[str, Any], said: str,
    hint: str,
) -> None:  # fmt: skip
    """An expired certificate, one of the future and one for another name each have their own words."""
    with Server(tls=context(authority.issue_cert(*names, **validity))) as server:
        error = failure(server.url, ca_file=ca_file)
    assert said in error.message
    assert hint in error.hint
    assert "ca_file" not in error.hint, "it would not help"
    assert error.path is not None
    assert (error.path.culprit, error.path.lasting) == ("tls", True)


def test_certificates_nobody_knows(authority: trustme.CA) -> None:
    """A self-signed certificate and one of an unknown authority both name ca_file, and are told apart."""
    with Server(tls=self_signed()) as server:
        own = failure(server.url)
    with Server(tls=context(authority.issue_cert("127.0.0.1"))) as server:
        unknown = failure(server.url)
    assert "self-signed" in own.message
    assert "if the server is yours" in own.hint
    assert "unknown here" in unknown.message
    assert "company proxy" in unknown.hint
    assert "ca_file" in own.hint
    assert "ca_file" in unknown.hint


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate(
    authority: trustme.CA, ca_file: str, client_pem: Path, version: ssl.TLSVersion
) -> None:
    """A server that wants a client certificate is told so, and gets the one of network.client_cert."""
    tls = context(authority.issue_cert("127.0.0.1"))
    tls.verify_mode, tls.maximum_version = ssl.CERT_REQUIRED, version
    authority.configure_trust(tls)
    with handshakes_alone(tls) as address:
        without = failure(address, ca_file=ca_file)
        assert "client certificate" in without.message
        assert "network.client_cert" in without.hint
        other = client_pem.with_name("other.pem")
        trustme.CA().issue_cert("me@example.test").private_key_and_cert_chain_pem.write_to_path(other)
        wrong = failure(address, ca_file=ca_file, client_cert=str(other))
        assert "does not take the client certificate" in wrong.message
    with Server(tls=tls) as server:
        assert "network.client_cert" in failure(server.url, ca_file=ca_file).hint  # it just hangs up
        network = replace(SHORT, client_cert=str(client_pem), ca_file=ca_file)
        assert ask(provider(server.url, network=network)).text == "You said: hello"
        assert ask(provider(server.url, ca_file=ca_file, client_cert=str(client_pem))).text == "You said: hello"


def test_nginx_with_client_certificates(
    authority: trustme.CA, ca_file: str, tmp_path: Path, client_pem: Path
) -> None:
    """nginx, which says in HTTP that it wants a client certificate or speaks TLS, is understood."""
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    lines = (
        f"ssl_certificate {tmp_path}/server.pem; ssl_certificate_key {tmp_path}/server.pem;"
        f"ssl_client_certificate {ca_file}; ssl_verify_client on; location / {{ return 404; }}"
    )
    with nginx(tmp_path, lines, tls=True) as place:
        wanted = failure(f"https://{place}/v1", ca_file=ca_file)
        plain = failure(f"http://{place}/v1")
        through = ask(
            provider(f"https://{place}/v1", network=SHORT, ca_file=ca_file, client_cert=str(client_pem))
        ).failure
    assert "wants a client certificate" in wanted.message
    assert "network.client_cert" in wanted.hint
    assert "speaks TLS on this port" in plain.message
    assert "https://" in plain.hint
    assert through.kind == "not_found"


def test_the_wrong_scheme(authority: trustme.CA, server: Server) -> None:
    """http:// at a TLS port and https:// at a plain one are told with the scheme to write."""
    alert = ScriptedPeer(saying(b"\x15\x03\x01\x00\x02\x02\x46"))
    with alert:
        plain = failure(f"http://{alert.place}/v1")
    assert "speaks TLS" in plain.message
    assert "write https://" in plain.hint
    with Server(tls=context(authority.issue_cert("127.0.0.1"))) as secure:
        hung_up = failure(secure.url.replace("https:", "http:"))
    assert "https" in hung_up.hint
    secured = failure(server.url.replace("http:", "https:"))
    assert "does not speak TLS" in secured.message
    assert "write http://" in secured.hint


@pytest.mark.parametrize(
    ("behaviour", "said"), [(silent, "did not finish"), (deaf, "broke off the TLS handshake")]
)
def test_a_handshake_that_does_not_end(behaviour: object, said: str) -> None:
    """A TLS handshake that hangs ends within the time to connect, and one that is broken off is told as such."""
    with ScriptedPeer(behaviour) as peer:  # type: ignore[arg-type]
        error = failure(f"https://{peer.place}/v1")
    assert said in error.message
    assert error.path is not None
    assert error.path.culprit == "tls"


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Server]:
    """A server with a certificate of the authority."""
    with Server(tls=context(authority.issue_cert("127.0.0.1"))) as server:
        yield server


@pytest.mark.parametrize(
    ("variable", "form"),
    [
        *((name, form) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") for form in ("pem", "der", "folder")),
        *(("SSL_CERT_FILE", form) for form in ("pem", "der")),  # OpenSSL's variable for folders is SSL_CERT_DIR
    ],
)
def test_bundles_of_the_environment(
    secure: Server, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, form: str
) -> None:
    """The variables of OpenSSL, requests and curl are honoured, for PEM and DER files; two take folders."""
    path = Path(ca_file)
    if form == "der":
        path = tmp_path / "authority.cer"
        path.write_bytes(ssl.PEM_cert_to_DER_cert(Path(ca_file).read_text()))
    monkeypatch.setenv(variable, str(tmp_path if form == "folder" else path))
    assert ask(provider(secure.url)).text == "You said: hello"

    monkeypatch.setenv(variable, str(tmp_path / "missing.pem"))
    error = ask(provider(secure.url)).failure
    assert error.kind == "configuration"
    assert "missing.pem" in error.message
    assert variable in error.hint


def test_ca_files_in_der_form(secure: Server, ca_file: str, tmp_path: Path) -> None:
    """ca_file may be in DER form, and PEM with words around the certificate."""
    der = tmp_path / "authority.der"
    der.write_bytes(ssl.PEM_cert_to_DER_cert(Path(ca_file).read_text()))
    noted = tmp_path / "noted.pem"
    noted.write_text("\ufeff# Unternehmens-CA für alle\n" + Path(ca_file).read_text(), encoding="utf-8")
    for path in (der, noted):
        assert ask(provider(secure.url, ca_file=str(path))).text == "You said: hello"


def test_client_certificates_that_cannot_be_used(client_pem: Path, tmp_path: Path) -> None:
    """A missing file, one without a key, a locked key and a PKCS #12 file are each told with what to do."""
    text = client_pem.read_text()
    certificate = text[text.index("-----BEGIN CERTIFICATE") :]
    lone, locked, pkcs = tmp_path / "lone.pem", tmp_path / "locked.pem", tmp_path / "client.p12"
    lone.write_text(certificate)
    locked.write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n" + certificate
    )
    pkcs.write_bytes(b"\x30\x82\x01\x00")
    for path, said in (
        (tmp_path / "none.pem", "none.pem"),
        (lone, "no private key"),
        (locked, "locked by a password"),
        (pkcs, "openssl pkcs12"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            trust("", str(path))
        assert said in refused.value.message + refused.value.hint
    lone.with_suffix(".key").write_text(text[: text.index("-----BEGIN CERTIFICATE")])
    trust("", str(lone))  # the key beside it
