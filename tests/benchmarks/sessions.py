"""Sessions as the program would have written them, in any size."""

from __future__ import annotations

import json
from pathlib import Path


def make_session(data: Path, messages: int, number: int = 0, text: str = "A message of a few words.") -> Path:
    """Write a session of the user `bench`, as the program would have; the path of its journal."""
    folder = data / "users" / "bench" / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    id = f"20261001-{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}-{number:04x}"
    ts = "2026-10-01T08:00:00Z"
    records: list[dict[str, object]] = [
        {"v": 1, "type": "session", "id": id, "user": "bench", "ts": ts, "title": None, "settings": {}}
    ]
    for at in range(1, messages + 1):
        record: dict[str, object] = {
            "v": 1, "type": "message", "id": f"m{at}", "parent": f"m{at - 1}" if at > 1 else None,
            "role": "user" if at % 2 else "assistant", "content": f"{at} {text}", "ts": ts,
        }  # fmt: skip
        if not at % 2:
            usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
            record |= {"provider": "bench", "model": "gpt-4o", "status": "complete", "finish_reason": "stop"}
            record |= {"usage": usage, "cost": 0.001}
        records.append(record)
    path = folder / f"{id}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
