"""The exceptions that the program shows to users.

    GptchatError
    ├── ProviderError                the request failed; exit status 1
    │   ├── AuthenticationError      authentication
    │   ├── PermissionDeniedError    permission
    │   ├── NotFoundError            not_found
    │   ├── RateLimitError           rate_limit
    │   ├── QuotaError               quota
    │   ├── ContextLengthError       context_length
    │   ├── BadRequestError          bad_request
    │   ├── ContentFilterError       content_filter
    │   ├── RequestTimeoutError      timeout
    │   ├── ConnectionFailedError    connection
    │   ├── ServerError              server
    │   └── ProtocolError            protocol
    ├── MisfitError                  schema; exit status 1
    ├── TurnInterruptedError         interrupted; exit status 130
    ├── ConfigurationError           configuration; exit status 2
    ├── UsageError                   usage; exit status 2
    └── StorageError                 storage; exit status 1

Errors of the libraries below are converted to these in one place per library (`providers/faults/failures.py`
for HTTP and the SDK, `storage/os_errors.py` for the operating system).
"""

from __future__ import annotations

from gptchat.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar, Literal

    Culprit = Literal["name", "network", "proxy", "tls", "server"]


class GptchatError(Exception):
    """Base class of all errors shown to the user: `message` says what happened and why, `hint` what to do next.

    Both are plain sentences without a final period, in the user's language. `kind` is the stable name
    that `--json` reports; `exit_status` is the exit status of the program if the error ends it.
    """

    kind: ClassVar[str] = "server"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        """The HTTP status, or None if the error did not come from an HTTP response."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error fields of a server's response, not shortened. Decisions use this, never display text.

    `code` and `type` are in lower case. A field that the response lacks is empty.
    """

    text: str = ""
    code: str = ""
    type: str = ""
    param: str = ""


@dataclass(frozen=True, slots=True)
class PathFault:
    """Where a request failed on its way, noted where the failure happens."""

    culprit: Culprit
    """`name`: name resolution; `network`: a login page of the network; `tls`: certificates and the handshake."""
    sent: bool = False
    """Whether the request may have reached the server."""
    lasting: bool = False
    """Whether the same request fails again until somebody changes something."""


class ProviderError(GptchatError):
    """A request to a provider failed. `retry_after` is the delay in seconds that the server asked for, or None.

    `path` is set if it failed on its way, before the server answered it.
    `passing` says whether the same request may succeed later; None if that depends on the class.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        said: Refusal | None = None,
        path: PathFault | None = None,
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.retry_after = retry_after
        self.passing: bool | None = None
        self.said = said or Refusal()
        self.path = path


class AuthenticationError(ProviderError):
    """The key is wrong, expired or missing on the wire."""

    kind = "authentication"


class PermissionDeniedError(ProviderError):
    """The key is known but may not do this (country, project, model)."""

    kind = "permission"


class NotFoundError(ProviderError):
    """No such model, deployment or path."""

    kind = "not_found"


class RateLimitError(ProviderError):
    """Too many requests or tokens for now."""

    kind = "rate_limit"


class QuotaError(ProviderError):
    """The account has no credit left; waiting does not help."""

    kind = "quota"


class ContextLengthError(ProviderError):
    """The request is larger than the model's window.

    `limit` is the window and `requested` the size of the request, in tokens; None if the server did not say.
    """

    kind = "context_length"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        limit: int | None = None,
        requested: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.limit = limit
        self.requested = requested


class BadRequestError(ProviderError):
    """The server refused the request."""

    kind = "bad_request"


class ContentFilterError(ProviderError):
    """The provider's content filter stopped the request or the reply."""

    kind = "content_filter"


class RequestTimeoutError(ProviderError):
    """No connection, or no progress, within the time allowed."""

    kind = "timeout"


class ConnectionFailedError(ProviderError):
    """The server could not be reached, or the connection broke (network, proxy, TLS)."""

    kind = "connection"


class ServerError(ProviderError):
    """The server failed (5xx)."""

    kind = "server"


class ProtocolError(ProviderError):
    """The response does not follow the API: HTML, an empty stream or a broken one."""

    kind = "protocol"


class MisfitError(GptchatError):
    """The answer does not fit the schema that it was asked for in; `replies` are the texts that came."""

    kind = "schema"

    def __init__(self, message: str, *, hint: str = "", replies: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.replies = replies


class TurnInterruptedError(GptchatError):
    """The user stopped the reply."""

    kind = "interrupted"
    exit_status = 130


class ConfigurationError(GptchatError):
    """A setting is wrong or missing, or there is no key."""

    kind = "configuration"
    exit_status = 2


class UsageError(GptchatError):
    """A command or flag was used incorrectly."""

    kind = "usage"
    exit_status = 2


class StorageError(GptchatError):
    """Reading or writing the user's data failed."""

    kind = "storage"
