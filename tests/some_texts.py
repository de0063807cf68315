"""A tiny set of texts whose classes are told by words, for the tests of all that learns from texts."""

from __future__ import annotations

import csv
import random
from io import StringIO
from pathlib import Path

from starshift.data.kinds import Wanted
from starshift.data.texts import Texts, read_texts
from starshift.ladder.materials import Materials
from starshift.ladder.paces import Paces
from starshift.progress import Silent
from starshift.records import Split

PLAIN = ["the", "film", "was", "seen", "by", "us", "on", "a", "monday", "evening", "with", "friends"]
TELLING = {"good": ["wonderful", "moving"], "bad": ["dull", "awful"], "odd": ["strange", "weird"], "long": ["endless"]}


def write(folder: Path, classes: int = 2, each: int = 24, name: str = "texts.csv") -> Path:
    """A CSV of texts of twelve words with a label, and a number that the words tell too."""
    draw = random.Random(0)
    stream = StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["text", "label", "stars"])
    for number in range(each * classes):
        label = list(TELLING)[number % classes]
        words = draw.sample(PLAIN, 9) + draw.choices(TELLING[label], k=3)
        draw.shuffle(words)
        writer.writerow([" ".join(words), label, f"{3 + 2 * (label == 'good') + draw.random():.3f}"])
    file = folder / name
    file.write_text(stream.getvalue(), encoding="utf-8")
    return file


def read(folder: Path, classes: int = 2, target: str = "label") -> Texts:
    """The same, read."""
    return read_texts(write(folder, classes), [Wanted(target)])


def materials(texts: Texts, cache: Path) -> Materials:
    """Two thirds to train on, one to validate."""
    count = len(texts.texts)
    held = tuple(range(0, count, 3))
    split = Split(train=tuple(i for i in range(count) if i % 3), validation=held, test=(), how="every third")
    return Materials(texts, split, (), 0, cache, Paces(cache), Silent())
