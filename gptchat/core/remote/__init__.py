"""Work that a server does by itself: files kept there and fine-tuning jobs; values and ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gptchat.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that a server keeps. `size` is in bytes."""

    id: str
    name: str = ""
    size: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class TuningJob:
    """A fine-tuning job. Times are seconds since 1970; 0 if they are not known."""

    id: str
    model: str = ""
    status: str = ""
    """`validating_files`, `queued`, `running`, `succeeded`, `failed`, `cancelled`, `paused`, or a server's own."""
    tuned: str = ""
    """The name of the tuned model; empty until there is one."""
    created: int = 0
    finished: int = 0
    tokens: int = 0
    """Tokens that were trained on; 0 until the job has succeeded."""
    epochs: str = ""
    error: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more happens to the job."""
        return self.status in ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class TuningEvent:
    """Something that happened to a fine-tuning job; `loss` is None where none was measured."""

    created: int
    message: str
    level: str = "info"
    step: int | None = None
    loss: float | None = None


class FilesEndpoint(Protocol):
    """Files that a server keeps. Every method raises GptchatError."""

    async def upload(self, path: str, purpose: str) -> RemoteFile:
        """Send the file at `path`, for a purpose such as `fine-tune`; raises OSError, too."""

    async def remove(self, id: str) -> None:
        """Remove a file."""


class TuningEndpoint(Protocol):
    """Fine-tuning at a server. Every method raises GptchatError; NotFoundError where there is none."""

    async def create(self, file: str, model: str, suffix: str = "", epochs: int = 0) -> TuningJob:
        """Begin to tune `model` with the file of that id; 0 epochs let the server choose."""

    async def jobs(self, most: int = 100) -> Sequence[TuningJob]:
        """The newest jobs, newest first."""

    async def job(self, id: str) -> TuningJob:
        """One job."""

    async def cancel(self, id: str) -> TuningJob:
        """Ask that a job ends."""

    async def events(self, id: str, most: int = 1000) -> Sequence[TuningEvent]:
        """What happened to a job, oldest first; of very many the newest `most`."""
