"""Export and import: sessions leave in formats that others read, and come in from them, never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.session import Session, move
from gptchat.errors import GptchatError, UsageError
from gptchat.redaction import redact_known
from gptchat.storage.drafts import Broken, Draft, Progress, digest
from gptchat.storage.journal import to_line
from gptchat.storage.snapshot import snapshot
from gptchat.storage.store import JournalStore, new_id
from gptchat.storage.troubles import storage_error
from gptchat.storage.users import ensure_user
from gptchat.words import _

FORMATS = ("markdown", "json", "jsonl", "messages", "html", "users")
SUFFIXES = {"markdown": ".md", "json": ".json", "jsonl": ".jsonl", "messages": ".json", "html": ".html", "users": ".json"}
