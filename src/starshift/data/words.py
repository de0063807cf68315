"""Texts as words: a small tokenizer, and a corpus of numbered words that every model of texts starts from.

What a word is, in this order:

- Small letters, in Unicode's compatible form (NFKC), so that full-width letters and ligatures are the plain ones. HTML
  line breaks (`<br />`) are blanks.
- A run of letters, their accents and vowel signs, and digits is a word, with apostrophes inside: "don't".
- A number keeps its points and commas. One of more than 4 characters becomes its shape: "1,351,000" is "0,000,000".
- "!" and "?" are words; everything else between words is passed over.
- In scripts without blanks between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each character is a word; the
  models then also look at pairs of neighbours, whatever else they look at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

LONG_NUMBER = 4
"""Characters of a number up to which it is kept as it is: years, and marks such as "8" in "8/10"."""

DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese and Japanese
)
"""Of a regular expression's character class: scripts without blanks between words."""

DENSE_SHARE = 0.5
"""Of a corpus's words, so many must be characters of such scripts before pairs of them are looked at."""

SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "HANGUL", "THAI", "HIRAGANA", "KATAKANA")
"""As Unicode's names of characters begin; "CJK" is looked for besides."""

SAMPLED = 200
"""Texts by which the script is told."""

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_DENSE = re.compile(f"[{DENSE}]")
_DIGIT = re.compile(r"\d")


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is a word where no script is dense, and where one is."""
    # Python's \w has letters and digits, but not the marks that are written on them, such as Devanagari's vowels.
    marks = "".join(chr(c) for c in range(0x300, 0xFE30) if unicodedata.category(chr(c))[0] == "M")
    number = r"\d+(?:[.,]\d+)+"
    word = rf"[^\W_][\w{marks}]*(?:'[\w{marks}]+)*"
    dense = rf"[{DENSE}]"
    sparse_marks = "".join(mark for mark in marks if not _DENSE.match(mark))
    letter = rf"(?:(?!{dense})[\w{sparse_marks}])"
    mixed = rf"{letter}+(?:'{letter}+)*"
    return re.compile(rf"{number}|{word}|[!?]"), re.compile(rf"{dense}|{number}|{mixed}|[!?]")


def tokens(text: str) -> list[str]:
    """The words of a text, in their order; see above."""
    plain = unicodedata.normalize("NFKC", _BREAK.sub(" ", text)).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    found = _patterns()[1 if _DENSE.search(plain) else 0].findall(plain)
    return [_shape(word) if len(word) > LONG_NUMBER and word[0].isdigit() else word for word in found]


def _shape(word: str) -> str:
    """A long number with every digit written 0; other words that begin with a digit as they are."""
    return _DIGIT.sub("0", word) if word[-1].isdigit() and not any(map(str.isalpha, word)) else word


@dataclass(frozen=True)
class Corpus:
    """Texts as numbers. Text i is `ids[starts[i]:starts[i + 1]]`, places in `forms`."""

    forms: tuple[str, ...]  # every different word, or character, in the order in which they were met
    ids: np.ndarray  # int32 (words in all,)
    starts: np.ndarray  # int64 (texts + 1,)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Words of each text: int64 (texts,)."""
        return np.diff(self.starts)

    def rows(self, chosen: np.ndarray | Sequence[int]) -> Corpus:
        """Some of the texts, in that order."""
        chosen = np.asarray(chosen, dtype=np.int64)
        lengths = self.lengths[chosen]
        return Corpus(self.forms, self.ids[_ranges(self.starts[chosen], lengths)], _starts(lengths))

    @property
    def is_dense(self) -> bool:
        """Whether most words are characters of scripts without blanks."""
        if not len(self.ids):
            return False
        dense = np.array([_DENSE.match(form) is not None for form in self.forms], dtype=bool)
        return bool(dense[self.ids].mean() > DENSE_SHARE)


def corpus(texts: Iterable[str]) -> Corpus:
    """Number the words of texts."""
    places: dict[str, int] = {}
    ids: list[np.ndarray] = []
    for text in texts:
        found = tokens(text)
        ids.append(np.fromiter((places.setdefault(word, len(places)) for word in found), np.int32, len(found)))
    joined = np.concatenate(ids) if ids else np.empty(0, np.int32)
    return Corpus(tuple(places), joined, _starts(np.array([len(one) for one in ids], dtype=np.int64)))


def characters(words: Corpus) -> Corpus:
    """The same texts as characters: their words, each with a blank before it, which is a character too: a model that
    looks at a few in a row so knows beginnings and ends of words.
    """
    places: dict[str, int] = {" ": 0}
    spelt = [[0, *(places.setdefault(character, len(places)) for character in form)] for form in words.forms]
    widths = np.array([len(one) for one in spelt], dtype=np.int64)
    letters = np.array([letter for one in spelt for letter in one], dtype=np.int32)
    taken = _ranges(_starts(widths)[:-1][words.ids], widths[words.ids]) if len(words.ids) else np.empty(0, np.int64)
    each = np.add.reduceat(np.append(widths[words.ids], 0), words.starts[:-1]) if len(words) else np.empty(0, np.int64)
    lengths = np.where(words.lengths > 0, each, 0)  # reduceat gives the next text's first word for an empty one
    return Corpus(tuple(places), letters[taken], _starts(lengths))


def _ranges(firsts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """first, first + 1, … of each range, one behind the other: int64 (sum of lengths,)."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(firsts - before, lengths) + np.arange(int(lengths.sum()))


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def script(texts: Sequence[str]) -> str:
    """The script that most letters are of, as a reader calls it: "Latin", "Chinese characters"; by a few texts."""
    step = max(1, len(texts) // SAMPLED)
    letters = Counter(character for text in texts[::step] for character in text[:1000] if character.isalpha())
    found: Counter[str] = Counter()
    for letter, count in letters.items():
        found[_script_of(letter)] += count
    return found.most_common(1)[0][0] if found else "none"


def _script_of(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if name.startswith("CJK"):
        return "Chinese characters"
    return next((one.capitalize() for one in SCRIPTS if name.startswith(one)), "other")
