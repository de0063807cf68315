"""The one place where figures become words, for the report, the terminal and the web pages alike.

Plain spaces everywhere, so that what is printed can be searched for and copied.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starshift.records import AnyScore, Estimate, RungRecord, Verdict

MINUS = "\N{MINUS SIGN}"

# Lone surrogates (undecodable bytes of a file name) cannot be written as UTF-8; control characters are
# invisible or break lines; bidirectional controls let a name pretend to end in something else.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SPELLED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str) -> str:
    """A file or class name as it can be shown and encoded: hidden characters are spelled out.

    `"caf\\udce9.jpg"`, a name with the undecodable byte E9, becomes `"caf\\xe9.jpg"`.
    """
    return _HIDDEN.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # Python's own stand-ins for the bytes 80 to FF
        return rf"\x{code - 0xDC00:02x}"
    return _SPELLED.get(character) or (rf"\x{code:02x}" if code < 0x100 else rf"\u{code:04x}")


def cleaned(value: Any) -> Any:
    """`value`, of strings, numbers, lists and dicts, with every string in it made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {key: cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(one) for one in value]
    return value


def sentence(text: str) -> str:
    """`text` on one line, with a capital first and a full stop last; empty stays empty."""
    text = " ".join(text.split())
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?:…" else ".")


def against(verdict: Verdict) -> str:
    """A verdict with what it compares with: `Against convnet, this model gains 14.2 points on …`."""
    said = sentence(verdict.sentence)
    return f"Against {verdict.against}, {said[:1].lower()}{said[1:]}"


def verdicts(rung: RungRecord) -> str:
    """What is said of a rung beside another: of its model, and of its recipe where it was repeated over folds."""
    said = [against(rung.verdict)] if rung.verdict else []
    return " ".join([*said, *([sentence(rung.recipe_verdict.sentence)] if rung.recipe_verdict else [])])


def without_copies(score: AnyScore, clean: Estimate | None, part: str, noun: str) -> str:
    """`Without the 12 validation pictures of which a copy is in training: 71.0 % (…).`; "" where there are none."""
    if clean is None:
        return ""
    lost = counted(score.leading.estimate.n - clean.n, f"{part} {noun}")
    return f"Without the {lost} of which a copy is in training: {estimate(clean) if clean.n else 'nothing is left'}."


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def count(number: int) -> str:
    """1000 as `1,000`."""
    return f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 picture`, `1,000 pictures`; `many` where the plural is not made with an s."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def counts(by_kind: Mapping[str, int]) -> str:
    """{"JPEG": 1990, "hidden files": 1} as `JPEG (1,990), hidden files (1)`, in the order given."""
    return ", ".join(f"{kind} ({count(number)})" for kind, number in by_kind.items())


def percent(share: float) -> str:
    """0.9914 as `99.1 %`."""
    return f"{_hundredths(share)} %"


def _hundredths(share: float) -> str:
    return _honest(100 * share, 1, bounds=(0.0, 100.0))


def _honest(value: float, decimals: int, bounds: tuple[float, float]) -> str:
    """Up to two more decimals where fewer would make a few mistakes look like none (99.96, not 100.0)."""
    for more in range(3):
        text = f"{value:.{decimals + more}f}"
        if float(text) not in bounds:
            return text.replace("-", MINUS)
    return f"{abs(value):.{decimals}f}"  # no "-0.0"


def number(value: float, decimals: int = 3) -> str:
    """0.03123 as `0.031`, 0.99970 as `0.9997`."""
    return _honest(value, decimals, bounds=(0.0, 1.0))


AMOUNT = -1
"""In place of `decimals`: an amount in the target's own unit, to three digits."""


def amount(value: float) -> str:
    """1234.5 as `1,234`, 2.114 as `2.11`, 0.03123 as `0.0312`: three digits, and all that stand before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".replace("-", MINUS)
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def signed_amount(value: float) -> str:
    """The same with its sign."""
    return f"+{amount(value)}" if value > 0 else amount(value)


def points(difference: float) -> str:
    """0.142, a difference of two shares, as `+14.2 points`."""
    return f"{_signed(difference)} points"


def _signed(difference: float) -> str:
    rounded = round(100 * difference, 1)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else ""
    return f"{sign}{abs(rounded):.1f}"


def p_value(p: float) -> str:
    """0.4 as `p = 0.400`, 0.00001 as `p < 0.001`."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def interval(estimate: Estimate, decimals: int | None = None) -> str:
    """`98.3 to 99.5`, or `no interval: ` and why; as shares, as numbers with so many `decimals`, or as AMOUNT."""
    if estimate.low is None or estimate.high is None:
        return f"no interval: {estimate.method}"
    low, high = (_bare(value, decimals) for value in (estimate.low, estimate.high))
    return f"{low} to {high}"


def points_interval(difference: Estimate) -> str:
    """`+11.8 to +16.6`, the interval of a difference of two shares, in points."""
    if difference.low is None or difference.high is None:
        return interval(difference)
    return f"{_signed(difference.low)} to {_signed(difference.high)}"


def figure(estimate: Estimate, decimals: int | None = None) -> str:
    """The value alone, where its interval stands beside it: `99.1 %`, or `0.031` with `decimals`=3."""
    return _bare(estimate.value, decimals, " %")


def estimate(estimate: Estimate, decimals: int | None = None) -> str:
    """`99.1 % (98.3 to 99.5, n = 1,000)`; with `decimals`=3 `0.031 (0.022 to 0.041, n = 1,000)`."""
    return f"{figure(estimate, decimals)} ({interval(estimate, decimals)}, n = {count(estimate.n)})"


def cell(estimate: Estimate, decimals: int | None = None) -> str:
    """The same in a narrow column: where there is no interval, `100.0 % (no interval, n = 24)` without the reason."""
    between = "no interval" if estimate.low is None else interval(estimate, decimals)
    return f"{figure(estimate, decimals)} ({between}, n = {count(estimate.n)})"


def _bare(value: float, decimals: int | None, unit: str = "") -> str:
    if decimals == AMOUNT:
        return amount(value)
    return f"{_hundredths(value)}{unit}" if decimals is None else number(value, decimals)


def seconds(duration_seconds: float) -> str:
    """`< 0.1 s`, `3.2 s`, `42 s`, `3 min 20 s`, `1 h 5 min`."""
    if duration_seconds < 0.05:
        return "< 0.1 s" if duration_seconds > 0 else "0 s"
    if duration_seconds < 9.95:
        return f"{duration_seconds:.1f} s"
    whole = round(duration_seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two_units(*divmod(whole, 60), "min", "s")
    return _two_units(*divmod(round(duration_seconds / 60), 60), "h", "min")


def _two_units(large: int, small: int, large_unit: str, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def off(predicted: float, needed: float) -> str:
    """How far a prediction was off, as a share of what was needed: `12 % too long`, `as predicted`."""
    if max(predicted, needed) < 1:
        return "both below a second"
    share = round(100 * (predicted - needed) / needed)
    return f"{abs(share)} % too {'long' if share > 0 else 'short'}" if share else "as predicted"


def size(size_bytes: int) -> str:
    """9406464 as `9.4 MB`; decimal units, as download pages have them."""
    if size_bytes < 1000:
        return counted(size_bytes, "byte")
    exponent = 1
    while size_bytes >= 999.5 * 1000**exponent and exponent < 4:
        exponent += 1
    value, unit = size_bytes / 1000**exponent, ("kB", "MB", "GB", "TB")[exponent - 1]
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def pixels(width_height: tuple[int, int]) -> str:
    """(500, 374) as `500 × 374 px`."""
    return "{} \N{MULTIPLICATION SIGN} {} px".format(*width_height)


def moment(iso: str) -> str:
    """`2026-05-12T10:11:12Z` as `12 May 2026, 10:11 UTC`; what is not a time is left as it came."""
    try:
        then = datetime.fromisoformat(iso).astimezone(UTC)
    except ValueError:
        return iso
    return f"{then.day} {then:%B %Y, %H:%M} UTC"
