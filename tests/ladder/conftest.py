"""A task of 24 small pictures of 3 classes, for rungs on frozen bases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from starshift.data.cache import cache_root
from starshift.data.read import read
from starshift.ladder.materials import Materials
from starshift.ladder.paces import Paces
from starshift.progress import Silent
from starshift.records import Split


@pytest.fixture
def make_materials(finished_pictures: Path, tmp_path: Path) -> Callable[..., Materials]:
    """Materials with two thirds of the pictures to train on; their paces are their own, converted networks shared."""

    def make(budget_seconds: float = 1e9) -> Materials:
        pictures = read(finished_pictures, cache=cache_root())
        count = len(pictures.dataset.pictures)
        held = tuple(range(0, count, 3))
        split = Split(tuple(sorted(set(range(count)) - set(held))), held, (), "every third is held out")
        return Materials(pictures, split, (), 0, cache_root(), Paces(tmp_path), Silent(), budget_seconds)

    return make
