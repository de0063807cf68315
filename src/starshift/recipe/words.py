"""What is asked of single words and values before they are taken: a known name, a function of one's own, a kind."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"[^#]+:[^#]+#[0-9a-f]{16}")


def is_own(name: str) -> bool:
    """Whether this names a function of the user's own, as "module:function#DIGEST" (see compose.own)."""
    return _REFERENCE.fullmatch(name) is not None


def is_a(kind: type, value: Any) -> bool:
    """Whether a value is of a kind; True and False are no numbers, whole numbers may stand for others."""
    wider: dict[type, Any] = {tuple: tuple | list, float: float | int}
    return isinstance(value, wider.get(kind, kind)) and (kind is bool or not isinstance(value, bool))


def near(word: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """A sentence that offers the nearest known word, or lists them all: " Did you mean 'convnet'?"."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    if matches:
        return f" Did you mean {matches[0]!r}?"
    return f" Known: {', '.join(known)}." if known else ""
