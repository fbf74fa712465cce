"""The certificates of TLS: authorities to trust, of settings and environment, and a client certificate."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

from gptchat import words
from gptchat.errors import ConfigurationError
from gptchat.files import SMALL, read_regular
from gptchat.words import _

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables of other programs that name a file or a folder of authorities, beside OpenSSL's `SSL_CERT_FILE`."""
_PEM = b"-----BEGIN "
_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
_LOCKED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")


def trust(ca_file: str, client_cert: str = "") -> ssl.SSLContext:
    """A TLS context that trusts the system's authorities, those of the environment and those in `ca_file`.

    `SSL_CERT_FILE` replaces the system's authorities, as everywhere; `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` add
    to them. Files are PEM or DER; the variables may name a folder, too. `client_cert` is the path of a PEM file
    with a certificate and its key, or empty. Raises ConfigurationError for a file that cannot be used.
    """
    import httpx2

    source, path = "SSL_CERT_FILE", os.environ.get("SSL_CERT_FILE", "")
    try:
        context = _environments(path) or httpx2.create_ssl_context()
        for source in _BUNDLES:
            if path := os.environ.get(source, ""):
                _load(context, path)
        source, path = "ca_file", ca_file
        if ca_file:
            _load(context, ca_file)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            _("the certificates in {path} cannot be read: {why}").format(path=path, why=_why(error)),
            hint=_("{source} names them: a file in PEM or DER form (.pem, .crt, .cer); openssl converts .p7b"
                   " and .p12 files").format(source=source),
        ) from error  # fmt: skip
    if client_cert:
        _identify(context, client_cert)
    return context


def _environments(path: str) -> ssl.SSLContext | None:
    """A context with the authorities of `SSL_CERT_FILE` alone; None if it is not set or is PEM for the library."""
    if not path or Path(path).is_dir() or _PEM in read_regular(Path(path), SMALL):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, path)
    return context


def _load(context: ssl.SSLContext, path: str) -> None:
    """Add the authorities in the file or folder at `path`. Raises OSError, ssl.SSLError or ValueError."""
    place = Path(path).expanduser()
    if place.is_dir():
        names = [one for one in sorted(place.iterdir()) if one.suffix.lower() in (".pem", ".crt", ".cer", ".0")]
        if not names:
            raise ValueError(_("no certificate in it"))
        for one in names:
            _load(context, str(one))
        return
    data = read_regular(place, SMALL)  # the library would wait for a pipe
    if _PEM not in data:
        context.load_verify_locations(cadata=data)
    elif b"CERTIFICATE-----" not in data:
        raise ValueError(_("no certificate in it"))
    else:
        context.load_verify_locations(cadata=data[data.index(_PEM) :].decode("ascii", "ignore"))


def _identify(context: ssl.SSLContext, path: str) -> None:
    """Give `context` the certificate and key of a client. Raises ConfigurationError."""
    place = Path(path).expanduser()
    hint = _("client_cert names a PEM file with the certificate, its chain and its key; the key may be beside it,"
             " in a file of the same name that ends in .key")  # fmt: skip
    try:
        data = read_regular(place, SMALL)
        key = None if _KEY.search(data) or _LOCKED.search(data) else place.with_suffix(".key")
        if _PEM not in data:
            hint = _("client_cert must be PEM: openssl pkcs12 -in {name} -out client.pem -nodes").format(
                name=place.name
            )
            raise ValueError(_("it is not in PEM form"))
        if key is not None and not key.exists():
            raise ValueError(_("there is no private key in it"))
        if _LOCKED.search(data if key is None else read_regular(key, SMALL)):
            hint = _(
                "openssl pkey -in {name} -out client.key writes a key without a password; guard that file"
            ).format(name=(key or place).name)
            raise ValueError(_("its key is locked by a password"))
        context.load_cert_chain(place, key)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            _("the client certificate in {path} cannot be used: {why}").format(path=path, why=_why(error)),
            hint=hint,
        ) from error


def _why(error: OSError | ValueError) -> str:
    """`error` in words; a fault of the contents by OpenSSL's name for it."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return words.reason(error)
