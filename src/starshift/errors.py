"""The whole exception family, on one page.

    StarshiftError            what a user can mend; its text is a sentence; exit code 2
    ├── UsageError            an option or argument is wrong, or two do not go together
    ├── DataError             the given pictures or labels cannot be used as they are
    │   ├── UnreadablePicture one file; it is set aside with its reason and never stops a run
    │   └── LeakError         given parts share exact copies of pictures
    ├── MissingWeights        a pretrained base is neither on this machine nor to be had
    ├── MissingExtra          an optional dependency is not installed
    ├── TrainingDiverged      the loss became NaN or infinite
    ├── RunError              a run folder or a saved model cannot be read or continued
    └── StoreError            a learnware store refuses, lacks something, or cannot be reached

Everything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class StarshiftError(Exception):
    """A mistake or a lack that the user can mend. `problems` holds every sentence, all at once."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class UsageError(StarshiftError):
    """An option or argument is wrong, or two do not go together."""


class DataError(StarshiftError):
    """The given pictures or labels cannot be used as they are."""


class UnreadablePicture(DataError):
    """One file cannot be decoded. `kind` is a short word (`truncated`, `empty`, …), the text a sentence."""

    def __init__(self, kind: str, sentence: str) -> None:
        self.kind = kind
        super().__init__(sentence)


class LeakError(DataError):
    """Given parts (training, validation, test) share exact copies of pictures."""


class MissingWeights(StarshiftError):
    """A pretrained base is neither on this machine nor to be had; the text names file, size and place."""


class MissingExtra(StarshiftError):
    """An optional dependency is not installed; the text is its install line."""


class TrainingDiverged(StarshiftError):
    """The loss became NaN or infinite; the text says at which step and learning rate."""


class RunError(StarshiftError):
    """A run folder or a saved model cannot be read or continued."""


class StoreError(StarshiftError):
    """A learnware store refuses, lacks something, or cannot be reached. `kind` is a short word, one of KINDS."""

    KINDS = (
        "missing",  # there is no such learnware, or no such store
        "withdrawn",  # it was taken back
        "taken",  # the name and version have other content
        "unknown",  # no token, or none that holds
        "forbidden",  # a token that may not do this
        "full",  # a quota is used up
        "large",  # a package beyond what the store takes
        "busy",  # asked too often, or by too many at once
        "damaged",  # a file is gone or differs
        "unusable",  # the store's database, bucket or server does not answer as it should
    )

    def __init__(self, kind: str, problems: str | Sequence[str]) -> None:
        assert kind in self.KINDS, kind
        self.kind = kind
        super().__init__(problems)
