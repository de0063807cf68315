"""learnware.json: what a saved model is, what it takes and gives, and how good it was found to be."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from starshift.records.calibration import Threshold
from starshift.records.score import AnyScore
from starshift.records.target import Target
from starshift.records.verdict import Verdict

LEARNWARE_SCHEMA = 3
"""The number of learnware.json's form; a change that old readers cannot read adds one."""


class InputContract(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="pictures"):
    """What the model takes: uint8 RGB pictures (N, size, size, 3), made square by `fit`."""

    size: int  # pixels
    fit: str  # "stretch" or "crop", as data.decode.Frame has it


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a table that a model looks at."""

    name: str
    kind: Literal["number", "category", "boolean", "date"]
    categories: tuple[str, ...] = ()  # that the training part had, sorted


class TableContract(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="table"):
    """What the model takes: rows with these columns, by name; others are passed over."""

    columns: tuple[Column, ...]


class TextContract(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="texts"):
    """What the model takes: texts, from files or from a column of this name."""

    column: str  # "" where they came from files


class SequenceContract(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="sequences"):
    """What the model takes: float sequences (N, steps, features); shorter ones are padded, longer ones cut."""

    steps: int
    features: tuple[str, ...]  # names, or "0", "1", … where they have none


AnyContract = InputContract | TableContract | TextContract | SequenceContract


class BaseReference(Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogued pretrained base, named by the digest of its weights file and not copied."""

    name: str  # in the catalogue
    digest: str  # SHA-256 of the weights file that was used
    spec: str  # how the user named it: the catalogue's name, or NAME@FILE


class OwnPart(Struct, frozen=True, forbid_unknown_fields=True):
    """A function or metric of the user's own that a model was made with: where it stood, never its code."""

    kind: Literal["builder", "loss", "metric"]
    module: str
    name: str  # its qualified name in the module
    file: str  # on the machine where the model was made
    digest: str  # SHA-256 of its source text, and of the settings of a Keras metric

    @property
    def reference(self) -> str:
        """How recipes name it."""
        return f"{self.module}:{self.name}#{self.digest[:16]}"


class Evaluation(Struct, frozen=True, forbid_unknown_fields=True):
    """How good the model was found to be, and on what."""

    part: str  # "validation" or "test"
    score: AnyScore
    sealed: bool  # whether the part was untouched by any choice before
    about: str = ""  # of which model, where it is not this very one
    target: str = ""  # its name, where it is one behind the first
    protocol: str = ""  # how the part came about, a sentence


class Provenance(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a model comes from, without anything about whose machine it was."""

    starshift: str  # version
    seed: int
    recipe: str  # digest of the recipe
    data: str  # digest of examples, labels and parts
    made: str  # ISO 8601 date, UTC


class Learnware(Struct, frozen=True, forbid_unknown_fields=True):
    """A saved model without its tensors."""

    schema: int
    name: str
    task: str  # "image classification"
    targets: tuple[Target, ...]  # what it predicts; the first leads
    input: AnyContract
    builder: str  # a name in recipe.BUILDERS
    arguments: dict[str, Any]  # of the builder, typed and checked
    bases: tuple[BaseReference, ...]
    precision: str  # "bf16" or "f32": what its figures were computed in
    evaluations: tuple[Evaluation, ...]
    trained_on: str  # a sentence: pictures, classes, source
    made_by: str  # "starshift 0.1.0"
    files: dict[str, str]  # SHA-256 of every file by name; of learnware.json, of all of it but `files` and `id`
    id: str  # digest of `files`
    own: tuple[OwnPart, ...] = ()  # what of the user's own code it was made with
    unshareable: str = ""  # why it must not be shared, in a sentence; "" where it may be
    temperature: float = 1.0  # what log probabilities are divided by; 1.0: nothing
    thresholds: tuple[Threshold, ...] = ()  # from which confidence on it keeps a promise; none where nothing set them
    apart: tuple[Learnware, ...] = ()  # a model for each target, where they share nothing; none where they share all
    members: tuple[Learnware, ...] = ()  # the models of an ensemble
    version: str = "1.0.0"  # of this learnware, three numbers
    licence: str = ""  # an SPDX expression, as "MIT OR Apache-2.0"; "" where its maker gave none
    synonyms: dict[str, tuple[str, ...]] = {}  # other names of classes, by class
    beat: Verdict | None = None  # against the majority class on the validation part; None where that was not compared
    provenance: Provenance | None = None
    parents: tuple[str, ...] = ()  # ids of the learnwares that it was made from

    @property
    def target(self) -> Target:
        """The target that leads."""
        return self.targets[0]

    @property
    def classes(self) -> tuple[str, ...]:
        """The leading target's classes; none of a number."""
        return self.target.classes

    @property
    def picture(self) -> InputContract:
        """What it takes, where that is pictures."""
        assert isinstance(self.input, InputContract)
        return self.input
