"""Looks up API keys: environment variable, command, file, keyring, credentials file, in this order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from gptchat import leaving, redaction, vendors, words
from gptchat.config.credentials import credentials_file, forget_key, store_key, stored_key
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.environment import key_variables, openai_file
from gptchat.config.key_text import clean_key, credentials_in, key_in
from gptchat.config.private_files import decode, exposed
from gptchat.errors import ConfigurationError
from gptchat.files import read_regular
from gptchat.values import dataclass, field
from gptchat.words import _

__all__ = [
    "Key",
    "clean_key",
    "exposed_files",
    "find_key",
    "forget_key",
    "missing_key",
    "store_key",
    "variable_for",
    "variables_of",
]

COMMAND_SECONDS = 30.0
_MOST_BYTES = 64_000  # no key is longer; a wrong path may be a film


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its source. `warning` is a sentence if other users can read its file."""

    value: str = field(repr=False)
    source: str
    """A variable's name, a file's path, "api_key_command" or "keyring"."""
    warning: str = ""


def stored_in(source: str) -> Literal["variable", "command", "stored", "file"]:
    """What sort of place a key's `source` is."""
    if source == "api_key_command":
        return "command"
    if source == "keyring" or Path(source).name == "credentials.json":
        return "stored"
    return "variable" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", source) else "file"


def variables_of(provider: ProviderSettings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The environment variables that may hold a provider's key, the usual one first: its own, else the SDK's.

    A `compatible` provider that names none has none: OpenAI's key is not handed to somebody else's server.
    """
    own = provider.api_key_env
    if provider.kind == "compatible" and not own:
        return ()
    vendor = vendors.get(provider.name if provider.kind == "compatible" else provider.kind)
    if vendor is not None and not own and provider.name != vendor.name and _is_elsewhere(provider, vendor):
        return ()
    if vendor is None or (own and own not in vendor.keys):
        return (own,) if own else ()
    usual = key_variables(vendor, environ)
    return tuple(dict.fromkeys((own, *usual))) if own in usual else usual


def _is_elsewhere(provider: ProviderSettings, vendor: vendors.Vendor) -> bool:
    """Whether a provider of the person's own is at a host to which the vendor's key does not belong."""
    address = provider.base_url or provider.endpoint
    return bool(address) and not (vendor.owns(address) or vendors.is_loopback(address))


def variable_for(provider: ProviderSettings, environ: Mapping[str, str]) -> str:
    """The variable that a program of the person's own reads the key from: the one that is set, the usual one,
    else one of the provider's name.

    OpenAI's variable is never meant for somebody else's server.
    """
    own = re.sub(r"[^A-Za-z0-9]+", "_", provider.name).strip("_").upper()
    named = f"{own}_API_KEY" if own and not own[0].isdigit() else "API_KEY"
    usual = variables_of(provider, environ)
    return next((variable for variable in usual if environ.get(variable, "").strip()), next(iter(usual), named))


def find_key(
    provider: ProviderSettings, data_dir: Path, environ: Mapping[str, str], *, user: str = ""
) -> Key | None:
    """The key of a provider, or None. `user` is a slug: a key of his own goes before the one all share.

    What is found is masked in everything shown from now on. Raises ConfigurationError where a place the
    person named (a command, a file) fails, for going on silently would hide it.
    """
    if provider.kind == "demo":
        return None
    for variable in variables_of(provider, environ):
        _require_name(variable)
        value = environ.get(variable, "")
        if value.strip():
            return Key(_whole(provider, value) or _cleaned(value, variable), variable)
    if provider.api_key_command:
        return Key(_from_command(provider, environ), "api_key_command")
    if provider.api_key_file:
        path = Path(provider.api_key_file).expanduser()
        return Key(_from_file(path, provider), str(path), exposed(path))
    value, place = stored_key(provider.name, data_dir, user)
    if not value:
        return _from_home(provider, environ)
    warning = "" if place == "keyring" else exposed(credentials_file(data_dir))
    return Key(_cleaned(value, place), place, warning)


def _from_home(provider: ProviderSettings, environ: Mapping[str, str]) -> Key | None:
    """OpenAI's key in the file of its own tools. The user did not name this file, so it may lack a key."""
    path = openai_file(environ)
    if provider.kind != "openai" or path is None:
        return None
    try:
        return Key(_from_file(path, provider), str(path), exposed(path))
    except ConfigurationError:
        return None


def exposed_files(provider: ProviderSettings, data_dir: Path, environ: Mapping[str, str]) -> list[str]:
    """Warnings about key files of `provider` that other users can read. No file is opened."""
    named = Path(provider.api_key_file or ".")  # a folder is not looked at
    with suppress(RuntimeError):  # a home that nobody has: told when the key is needed
        named = named.expanduser()
    home = openai_file(environ) if provider.kind == "openai" else None
    files = (named, credentials_file(data_dir), home)
    return [warning for path in dict.fromkeys(files) if path and (warning := exposed(path))]


def missing_key(provider: ProviderSettings) -> ConfigurationError:
    """The error for a provider without a key; the hint says how to set one."""
    variables = variables_of(provider)
    hint = _("give it with /key set")
    if variables:
        hint = _("give it with /key set, or set {variable}").format(variable=variables[0])
    return ConfigurationError(_("no key for {provider}").format(provider=provider.name), hint=hint)


def _require_name(variable: str) -> None:
    """Refuse a value that is not a variable name: users sometimes put the key itself there."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        return
    redaction.register(variable)
    raise ConfigurationError(
        _("api_key_env is the name of a variable, not the key"),
        hint=_('write api_key_env = "NAME" and keep the key in that variable'),
    )


def _cleaned(value: str, place: str) -> str:
    """`clean_key`, with the place in its error."""
    try:
        return clean_key(value)
    except ConfigurationError as error:
        raise _in_place(place, error) from None


def _in_place(place: object, error: ConfigurationError) -> ConfigurationError:
    return ConfigurationError(_("{place}: {problem}").format(place=place, problem=error.message), hint=error.hint)


def _whole(provider: ProviderSettings, text: str) -> str:
    """The credentials in `text` of a provider that takes several, as one JSON object; else empty."""
    return credentials_in(text) if provider.kind == "gptplus" else ""


def _from_file(path: Path, provider: ProviderSettings) -> str:
    """The key in a file. Raises ConfigurationError naming the file."""
    try:
        data = read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise ConfigurationError(
            _("cannot read the key file {file}: {reason}").format(file=path, reason=words.reason(error)),
            hint=_("check api_key_file in the settings"),
        ) from None
    try:
        text = decode(data)
        return _whole(provider, text) or key_in(text)
    except UnicodeDecodeError:
        raise ConfigurationError(
            _("the key file {file} is not text").format(file=path), hint=_("check api_key_file in the settings")
        ) from None
    except ConfigurationError as error:
        raise _in_place(path, error) from None


def _from_command(provider: ProviderSettings, environ: Mapping[str, str]) -> str:
    """The output of a provider's command. It runs in the system shell, exactly as written in the settings."""
    import subprocess

    process = subprocess.Popen(  # noqa: S602 - the person's own command line, with its pipes
        provider.api_key_command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
    )
    try:
        with leaving.at_the_end(process.kill):
            output, complaint = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()  # the shell alone: what it started may hold the pipes open, so they are not read again
        raise _command_failed(
            _("it did not end within {seconds} s").format(seconds=f"{COMMAND_SECONDS:g}")
        ) from None
    if process.returncode != 0:
        said = complaint.decode("utf-8", "replace").strip().splitlines()
        reason = _("exit status {status}").format(status=process.returncode)
        if said:
            reason = _("{reason}, {said}").format(reason=reason, said=redaction.redact(said[-1][:200]))
        raise _command_failed(reason)
    if not output.strip():
        raise _command_failed(_("it printed nothing"))
    try:
        text = output[:_MOST_BYTES].decode("utf-8", "replace")
        return _whole(provider, text) or key_in(text)
    except ConfigurationError as error:
        raise _in_place("api_key_command", error) from None


def _command_failed(reason: str) -> ConfigurationError:
    return ConfigurationError(
        _("api_key_command failed: {reason}").format(reason=reason),
        hint=_("run the command in your shell to see what it needs"),
    )
