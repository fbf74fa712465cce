"""Which choice a typed answer means, in either language and from any input method; no library is loaded."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_MEANT = {"yes": "y", "是": "y", "是的": "y", "好": "y", "好的": "y", "no": "n", "否": "n", "不": "n", "不是": "n"}
"""Plain words for y and n, understood whatever language the program speaks."""


def chosen(answer: str, choices: Sequence[tuple[str, str]]) -> str | None:
    """The key of the choice that `answer` means; `choices` are (key, meaning). None where it means none.

    Full-width letters and digits, as Chinese input methods write them, count as their plain ones.
    """
    plain = unicodedata.normalize("NFKC", answer).strip().lower()
    for key, meaning in choices:
        if plain in (key.lower(), unicodedata.normalize("NFKC", meaning).lower()):
            return key
    meant = _MEANT.get(plain)
    return meant if any(key == meant for key, _meaning in choices) else None
