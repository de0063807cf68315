"""Strict readers of what a stranger wrote: JSON, text and safetensors, checked before anything is made of them.

The library of safetensors checks offsets too, but tells neither doubled names (its header is JSON, where the last one
wins) nor numbers that are not finite, and allocates before a caller can count.
Source of the format: https://huggingface.co/docs/safetensors/index#format.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np

from starshift.errors import RunError

Tensors = dict[str, np.ndarray]

DEEPEST = 24
"""Brackets within brackets of JSON: an ensemble's members with their scores reach 12."""

LARGEST_HEADER = 2**22
"""Bytes of a safetensors header: MOST_TENSORS with names of 100 characters need two thirds of it."""

MOST_TENSORS = 20_000
"""Of one model: an ensemble of 50 networks of 400 weights each."""

MOST_DIMENSIONS = 8
LONGEST_NAME = 512  # characters of a tensor's name

DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(kind)
    for name, kind in {
        "F64": "<f8", "F32": "<f4", "F16": "<f2",
        "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
        "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
    }.items()
}  # fmt: skip
"""Of safetensors, those that NumPy has."""

HIDDEN = "Cc", "Cs", "Co", "Cn", "Zl", "Zp"
"""Categories of characters that no shown text has: controls, halves of pairs, private and unassigned ones, and the
line ends that are not a newline."""

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What makes a text read in another order than it stands: embeddings, overrides and isolates. The marks U+200E, U+200F
and U+061C, which Hebrew and Arabic need, turn no other character around."""


# ----------------------------------------------------------------------------------------------------
# Texts


def hidden_in(text: str, *, lines: bool = False) -> str:
    """The first character of a text that is not to be seen or turns others around, as "U+202E"; "" where none is.

    lines: whether newlines and tabs may stand in it.
    """
    for character in text:
        if lines and character in "\n\t":
            continue
        if character in TURNING or unicodedata.category(character) in HIDDEN:
            return f"U+{ord(character):04X}"
    return ""


def text(content: bytes, name: str) -> list[str]:
    """What is wrong with a file of text for readers, as sentences."""
    try:
        found = hidden_in(content.decode("utf-8"), lines=True)
    except UnicodeDecodeError:
        return [f"{name} is no UTF-8 text."]
    return [f"{name} contains the character {found}, which is not to be seen or turns others around."] if found else []


# ----------------------------------------------------------------------------------------------------
# JSON


def parsed(content: bytes, name: str) -> Any:
    """The values of a JSON text. Raises RunError for one that is too deep, has a key twice, a number that is not finite
    or does not fit 64 bits, or half a character.
    """
    _refuse_depth(content, name)
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_within_64_bits,
        )
    except _Refused as reason:
        raise RunError(f"{name} {reason}") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{name} is no JSON ({error}).") from None


_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
"""Possessive, and content with a string that does not end: nothing is looked at twice."""


class _Refused(Exception):
    """Why a JSON text is not taken; not a ValueError, which is what the parser says of its own."""


def _refuse_depth(content: bytes, name: str) -> None:
    """Before it is parsed, since parsers call themselves for each level. Brackets in strings do not count."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(content):
        depth += found[0] in (b"[", b"{")
        depth -= found[0] in (b"]", b"}")
        if depth > DEEPEST:
            raise RunError(f"{name} has brackets more than {DEEPEST} deep.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"has the key {twice!a} twice.")
    for key, value in pairs:
        for one in (key, value):
            if isinstance(one, str) and any("\ud800" <= character <= "\udfff" for character in one):
                raise _Refused(f"has half a character in {one!a}.")
    return found


def _refuse_constant(value: str) -> NoReturn:
    raise _Refused(f"has the number {value}; only finite ones are numbers.")


def _finite(value: str) -> float:
    if not math.isfinite(found := float(value)):
        raise _Refused(f"has the number {value[:20]}, which is too large.")
    return found


def _within_64_bits(value: str) -> int:
    if len(value) > 20 or not -(2**63) <= int(value) < 2**63:
        raise _Refused(f"has the number {value[:20]}{'…' if len(value) > 20 else ''}, which is too large.")
    return int(value)


# ----------------------------------------------------------------------------------------------------
# Tensors


def tensors(content: bytes, name: str) -> tuple[Tensors, dict[str, str]]:
    """The arrays of a safetensors file, which look into its bytes and cannot be written to, and its metadata.

    Raises RunError for everything but tensors of known dtypes that lie one behind the other, fill the file and hold
    finite numbers.
    """
    header, begin = _header(content, name)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise RunError(f"{name} has metadata that are no texts.")
    if len(header) > MOST_TENSORS:
        raise RunError(f"{name} has {len(header):,} tensors; {MOST_TENSORS:,} are the most.")
    found: Tensors = {}
    end = 0
    for tensor, (dtype, shape, start, stop) in sorted(_entries(header, name), key=lambda one: one[1][2:]):
        if start != end:
            raise RunError(f"{name}: {tensor!a} begins at byte {start:,}, not at {end:,} where the last one ends.")
        if stop > len(content) - begin:
            raise RunError(f"{name}: {tensor!a} ends at byte {stop:,}; the file has {len(content) - begin:,}.")
        array = np.frombuffer(content, dtype, math.prod(shape), begin + start).reshape(shape)
        found[tensor], end = array if array.flags.aligned else array.copy(), stop
    if end != len(content) - begin:
        raise RunError(f"{name} has {len(content) - begin - end:,} bytes behind its last tensor.")
    if bad := next((tensor for tensor, array in found.items() if not _is_finite(array)), None):
        raise RunError(f"{name}: {bad!a} has numbers that are not finite.")
    return found, metadata


def _header(content: bytes, name: str) -> tuple[dict[str, Any], int]:
    """The header, and where it ends."""
    if len(content) < 8:
        raise RunError(f"{name} is no safetensors file: it has {len(content)} bytes.")
    length = int.from_bytes(content[:8], "little")
    if length > min(LARGEST_HEADER, len(content) - 8) or content[8:9] != b"{":
        raise RunError(f"{name} is no safetensors file, or one with a header that is not its own.")
    header = parsed(content[8 : 8 + length], f"The header of {name}")
    assert isinstance(header, dict)  # it begins with a brace
    return header, 8 + length


def _entries(
    header: Mapping[str, Any], name: str
) -> Iterator[tuple[str, tuple[np.dtype[Any], tuple[int, ...], int, int]]]:
    """Each tensor with dtype, shape, first byte and the byte behind its last, which agree."""
    for tensor, entry in header.items():
        if len(tensor) > LONGEST_NAME or hidden_in(tensor):
            raise RunError(f"{name} has a tensor with the name {tensor[:60]!a}, which is none.")
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise RunError(f"{name}: {tensor!a} is not told by dtype, shape and data_offsets.")
        dtype, shape, offsets = DTYPES.get(str(entry["dtype"])), entry["shape"], entry["data_offsets"]
        if dtype is None:
            known = ", ".join(DTYPES)
            raise RunError(f"{name}: {tensor!a} has the dtype {entry['dtype']!a}; {known} are known.")
        if not _are_counts(shape) or len(shape) > MOST_DIMENSIONS or not _are_counts(offsets) or len(offsets) != 2:
            raise RunError(f"{name}: {tensor!a} has no possible shape and place.")
        start, stop = offsets
        if stop - start != math.prod(shape) * dtype.itemsize:
            raise RunError(f"{name}: {tensor!a} has {stop - start:,} bytes, which is not what its shape needs.")
        yield tensor, (dtype, tuple(shape), start, stop)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _is_finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
