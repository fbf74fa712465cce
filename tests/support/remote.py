"""Files and fine-tuning jobs of the scriptable server."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.replies import Recorded, Reply


class Remote:
    """What the server keeps. Files that are sent while `refused` is set get that answer."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, str, bytes]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.refused: Reply | None = None

    def answer(self, request: Recorded) -> Reply | None:
        """The answer to a request for any of these; None to another."""
        found = re.search(r"/(files|fine_tuning/jobs)(?:/([^/]+))?(?:/(cancel|events))?$", request.path)
        if not found:
            return None
        kind, id, action = found.groups()
        if kind == "files":
            return self._files(request, id)
        return self._tuning(request, id, action)

    def keep(self, content: bytes, name: str, purpose: str) -> str:
        """Keep a file; its id."""
        id = f"file-{len(self.files) + 1}"
        self.files[id] = (name, purpose, content)
        return id

    def _files(self, request: Recorded, id: str | None) -> Reply:
        if id is None:
            if self.refused is not None:
                return self.refused
            fields = _form(request)
            name, content = fields["file"]
            id = self.keep(content, name, fields["purpose"][1].decode())
        elif id not in self.files:
            return Reply.error(404, f"No such File object: {id}", param="id")
        elif request.method == "DELETE":
            del self.files[id]
            return Reply.document({"id": id, "object": "file", "deleted": True})
        name, purpose, content = self.files[id]
        shown = {"id": id, "object": "file", "filename": name, "purpose": purpose, "bytes": len(content)}
        return Reply.document({**shown, "status": "processed"})

    def _tuning(self, request: Recorded, id: str | None, action: str | None) -> Reply:
        if id is None and request.method == "POST":
            asked = request.json
            if asked["training_file"] not in self.files:
                return Reply.error(400, "invalid training_file", param="training_file")
            id = f"ftjob-{len(self.jobs) + 1}"
            self.jobs[id] = {
                "id": id,
                "object": "fine_tuning.job",
                "model": asked["model"],
                "status": "validating_files",
                "created_at": 1_790_000_000 + len(self.jobs),
                "fine_tuned_model": None,
                "hyperparameters": {"n_epochs": "auto"},
                "asked": asked,
            }
            self.events[id] = [{"id": "e0", "created_at": 1_790_000_000, "level": "info", "message": "Created"}]
        if id is None:
            return _listed([*self.jobs.values()][::-1], request)
        if id not in self.jobs:
            return Reply.error(404, f"Could not find fine tune: {id}", code="fine_tune_not_found")
        if action == "events":
            return _listed(self.events[id][::-1], request)
        if action == "cancel":
            self.jobs[id]["status"] = "cancelled"
        return Reply.document(self.jobs[id])


def _listed(found: list[dict[str, Any]], request: Recorded) -> Reply:
    """A page of a list, newest first."""
    query = parse_qs(urlsplit(request.target).query)
    limit, after = int(query.get("limit", ["20"])[0]), query.get("after", [""])[0]
    start = next((at + 1 for at, one in enumerate(found) if one["id"] == after), 0)
    page = found[start : start + limit]
    return Reply.document({"object": "list", "data": page, "has_more": start + limit < len(found)})


def _form(request: Recorded) -> dict[str, tuple[str, bytes]]:
    """The fields of a form: the name of each file, and the content."""
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    fields = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _blank, content = part[2:-2].partition(b"\r\n\r\n")
        name = re.search(rb'[ ;]name="([^"]*)"', head)
        file = re.search(rb'filename="([^"]*)"', head)
        assert name
        fields[name[1].decode()] = (file[1].decode() if file else "", content)
    return fields
