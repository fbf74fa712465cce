"""What is said about TLS that failed: each fault of a certificate or a handshake with its own next step."""

from __future__ import annotations

import re
import ssl

from gptchat.errors import ConnectionFailedError, PathFault, ProviderError, RequestTimeoutError
from gptchat.net.failing import settings_hint
from gptchat.net.way import Way
from gptchat.redaction import redact
from gptchat.words import _

# OpenSSL's X509_V_ERR_ values
_NOT_YET, _EXPIRED, _SELF_SIGNED, _SELF_SIGNED_CHAIN, _REVOKED, _NAME, _IP = 9, 10, 18, 19, 23, 62, 64
_NO_ISSUER = frozenset((2, 20, 21, 27))
_WEAK = frozenset((66, 67, 68))
# macOS and Windows verify with words of their own
_SAYING = (
    (re.compile(r"not yet valid", re.IGNORECASE), _NOT_YET),
    (re.compile(r"expired|validity period", re.IGNORECASE), _EXPIRED),
    (re.compile(r"revoked", re.IGNORECASE), _REVOKED),
    (re.compile(r"name.{0,30}(?:mismatch|not match)|host.?name", re.IGNORECASE), _NAME),
)
_PLAIN = frozenset(("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "RECORD_LAYER_FAILURE",
                    "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"))  # fmt: skip
_VERSIONS = frozenset(("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE",
                       "UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "DH_KEY_TOO_SMALL"))  # fmt: skip
_WANTED = frozenset(("TLSV13_ALERT_CERTIFICATE_REQUIRED",))
_UNWANTED = frozenset(("TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED",
                       "SSLV3_ALERT_CERTIFICATE_REVOKED", "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
                       "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "TLSV1_ALERT_ACCESS_DENIED",
                       "TLSV1_ALERT_DECRYPT_ERROR"))  # fmt: skip


def tls_failed(way: Way, error: ssl.SSLError, *, client_cert: bool, sent: bool = False) -> ProviderError:
    """The error for `error`, from a TLS handshake with the server, or with the proxy if `way` ends there.

    `client_cert` tells whether a client certificate was at hand. A server that wants one may say so only after
    the request was `sent`.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(way, error)
    reason = getattr(error, "reason", "") or ""  # missing where a library raises the error itself
    why = (reason or str(error)).replace("_", " ").lower()
    if reason in _WANTED or (reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" and not client_cert):
        certain = reason in _WANTED
        message = _("{where} wants a client certificate")
        if not certain:
            message = _(
                "{where} broke off the TLS handshake ({why}), as servers do that want a client certificate"
            )
        hint = _("name yours, a PEM file with its key, in network.client_cert")
    elif reason in _UNWANTED:
        if client_cert:
            message = _("{where} does not take the client certificate of network.client_cert ({why})")
            hint = _("is it the one for this server, complete with its chain, and not expired?")
        else:
            message = _("{where} wants a client certificate ({why})")
            hint = _("name yours, a PEM file with its key, in network.client_cert")
    elif reason in _PLAIN:
        message = _("{where} does not speak TLS on this port")
        hint = _("write http:// instead of https:// in the address, or the port that speaks TLS")
    elif reason in _VERSIONS:
        message = _("{where} speaks only an outdated TLS ({why})")
        hint = _("whoever runs it must allow TLS 1.2 or newer")
    elif reason == "TLSV1_UNRECOGNIZED_NAME":
        message = _("{where} does not serve this host name ({why})")
        hint = _("check the host name in the address")
    else:
        message = _("no secure connection with {where}: {why}")
        hint = _("check https:// against http:// in the address, and the proxy")
    if _at_proxy(way):
        hint = settings_hint() if reason not in _PLAIN else _("write http:// instead of https:// for the proxy")
    return _failed(message.format(where=_who(way), why=why), hint, way, sent=sent)


def _untrusted(way: Way, error: ssl.SSLCertVerificationError) -> ProviderError:
    said = redact(getattr(error, "verify_message", "") or str(error)).rstrip(".")
    code = getattr(error, "verify_code", 0)
    if code not in range(1, 100):  # not OpenSSL's
        code = next((found for pattern, found in _SAYING if pattern.search(said)), 0)
    if code == _EXPIRED:
        message = _("the certificate of {where} has expired")
        hint = _("whoever runs the server must renew it; if it works elsewhere, set this machine's clock")
    elif code == _NOT_YET:
        message = _("the certificate of {where} is not valid yet")
        hint = _("this machine's clock is most likely slow: set it; else whoever runs the server must renew it")
    elif code in (_NAME, _IP):
        message = _("the certificate of {where} is for another name: {why}")
        hint = _("write the host name that the certificate is for; it may also be a login page of the network, or"
                 " something that intercepts the connection")  # fmt: skip
    elif code == _SELF_SIGNED:
        message = _("the certificate of {where} is self-signed, and not trusted")
        hint = _("if the server is yours, name its certificate in network.ca_file")
    elif code == _SELF_SIGNED_CHAIN:
        message = _("the certificate of {where} is not trusted: its authority is unknown here ({why})")
        hint = _("behind a company proxy or with your own authority, name its certificate in network.ca_file")
    elif code in _NO_ISSUER:
        message = _("the certificate of {where} is not trusted: its issuer is unknown here ({why})")
        hint = _("behind a company proxy or with your own authority, name its certificate in network.ca_file; else"
                 " the server may fail to send the certificates in between")  # fmt: skip
    elif code == _REVOKED:
        message = _("the certificate of {where} was revoked")
        hint = _("do not send anything there; whoever runs the server must replace it")
    elif code in _WEAK:
        message = _("the certificate of {where} is too weak: {why}")
        hint = _("whoever runs the server must replace it")
    else:
        message = _("the certificate of {where} is not trusted: {why}")
        hint = _("behind a company proxy or with your own authority, name its certificate in network.ca_file")
    return _failed(message.format(where=_who(way), why=said), hint, way)


def tls_closed(way: Way, why: str = "") -> ProviderError:
    """The connection was broken off in the middle of the handshake."""
    tail = _(": {why}").format(why=why) if why else ""
    hint = _("check whether that port speaks https; it may want a client certificate (network.client_cert), or a"
             " firewall blocks this host, where a proxy helps")  # fmt: skip
    if way.proxy is not None:
        hint = _("check whether that port speaks https; the proxy or a firewall may also block this host")
    message = _("{where} broke off the TLS handshake{tail}").format(where=_who(way), tail=tail)
    return _failed(message, hint, way, lasting=False)


def tls_late(way: Way) -> ProviderError:
    """The handshake did not end in time."""
    hint = _(
        "check whether that port speaks https; a firewall may also hold the connection: /doctor tests each step"
    )
    return RequestTimeoutError(
        _("{where} did not finish the TLS handshake within {seconds:g} s").format(
            where=_who(way), seconds=way.seconds
        ),
        hint=settings_hint() if _at_proxy(way) else hint,
        path=PathFault("proxy" if _at_proxy(way) else "tls"),
    )


def client_cert_wanted(way: Way, *, refused: bool) -> ProviderError:
    """The server said in HTTP that it wants a client certificate, or `refused` the one that it got."""
    if refused:
        message = _("{where} does not take the client certificate of network.client_cert ({why})")
        hint = _("is it the one for this server, complete with its chain, and not expired?")
    else:
        message = _("{where} wants a client certificate")
        hint = _("name yours, a PEM file with its key, in network.client_cert")
    return _failed(message.format(where=way.where, why=_("400, from the server")), hint, way, sent=True)


def speaks_tls(way: Way) -> ProviderError:
    """The server answered a plain request in TLS."""
    return _failed(
        _("{where} speaks TLS on this port").format(where=way.where),
        _("write https:// instead of http:// in the address"),
        way,
        sent=True,
    )


def _at_proxy(way: Way) -> bool:
    """Whether the handshake is the one with an https:// proxy, whose way ends at the proxy."""
    return way.proxy is not None and way.where == way.proxy.shown


def _who(way: Way) -> str:
    return _("the proxy {proxy}").format(proxy=way.where) if _at_proxy(way) else way.where


def _failed(message: str, hint: str, way: Way, *, sent: bool = False, lasting: bool = True) -> ProviderError:
    culprit = PathFault("proxy" if _at_proxy(way) else "tls", sent, lasting)
    return ConnectionFailedError(message, hint=hint, path=culprit)
