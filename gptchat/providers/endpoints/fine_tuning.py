"""Fine-tuning jobs, as OpenAI and Azure run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gptchat.core.numbers import amount, count
from gptchat.core.remote import TuningEvent, TuningJob
from gptchat.providers.endpoints.files import Sender, fields_of, quoted, text

_PAGE = 100


class FineTuning:
    """`core.remote.TuningEndpoint` over OpenAI's API."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def create(self, file: str, model: str, suffix: str = "", epochs: int = 0) -> TuningJob:
        """Begin to tune `model`."""
        body: dict[str, Any] = {"training_file": file, "model": model}
        if suffix:
            body["suffix"] = suffix
        if epochs:
            body["method"] = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": epochs}}}
        return self._job(await self._sender.call("post", "/fine_tuning/jobs", body))

    async def jobs(self, most: int = 100) -> Sequence[TuningJob]:
        """The newest jobs, newest first."""
        found = await self._pages("/fine_tuning/jobs", most)
        return [self._job(one) for one in found]

    async def job(self, id: str) -> TuningJob:
        """One job."""
        return self._job(await self._sender.call("get", f"/fine_tuning/jobs/{quoted(id)}", None))

    async def cancel(self, id: str) -> TuningJob:
        """Ask that a job ends."""
        return self._job(await self._sender.call("post", f"/fine_tuning/jobs/{quoted(id)}/cancel", None))

    async def events(self, id: str, most: int = 1000) -> Sequence[TuningEvent]:
        """What happened to a job, oldest first."""
        found = await self._pages(f"/fine_tuning/jobs/{quoted(id)}/events", most)
        return [_event(one) for one in reversed(found)]  # servers list the newest first

    async def _pages(self, path: str, most: int) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        after = ""
        while len(found) < most:
            where = f"{path}?limit={min(_PAGE, most - len(found))}" + (f"&after={quoted(after)}" if after else "")
            answer = await self._sender.call("get", where, None)
            listed = answer.get("data") if isinstance(answer, dict) else None
            new = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            last = text(new[-1].get("id")) if new else ""
            found += new
            if not new or answer.get("has_more") is not True or last in ("", after):
                break
            after = last
        return found[:most]

    def _job(self, answer: Any) -> TuningJob:
        found = fields_of(answer, self._sender.name, "fine-tuning job")
        parameters = found.get("hyperparameters")
        error = found.get("error")
        epochs = parameters.get("n_epochs") if isinstance(parameters, dict) else None
        return TuningJob(
            found["id"],
            text(found.get("model")),
            text(found.get("status")),
            text(found.get("fine_tuned_model")),
            count(found.get("created_at")),
            count(found.get("finished_at")),
            count(found.get("trained_tokens")),
            str(epochs) if isinstance(epochs, int | str) else "",
            text(error.get("message")) if isinstance(error, dict) else "",
        )


def _event(found: Mapping[str, Any]) -> TuningEvent:
    data = found.get("data")
    data = data if isinstance(data, dict) else {}
    step = data.get("step")
    return TuningEvent(
        count(found.get("created_at")),
        text(found.get("message")),
        text(found.get("level")) or "info",
        step if isinstance(step, int) and not isinstance(step, bool) else None,
        amount(data.get("train_loss")),
    )
