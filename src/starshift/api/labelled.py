"""The labels of a run: decisions of a person laid over them, and those that look wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from starshift.api.options import Request
from starshift.data.overlay import FILE
from starshift.findings import labels
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.overlaid import corrected, with_effect
from starshift.ladder.suspects import suspect
from starshift.records import Finding, OverlayRecord, RungRecord, RunRecord


@dataclass
class Labelled:
    """A task with its labels, and what is known of them so far."""

    given: Materials  # as the source has it
    materials: Materials  # with the overlay, where there is one
    settled: Collection[str] = ()  # digests of pictures whose label a person kept or gave
    overlay: OverlayRecord | None = None
    sentences: tuple[str, ...] = ()  # what is to be said of them before anything is fitted
    finding: Finding | None = None  # once the rungs are climbed

    @classmethod
    def laid(cls, given: Materials, request: Request, folder: RunFolder) -> Labelled:
        """With the overlay that was asked for. Raises DataError with everything that is wrong with it."""
        if request.overlay is None:
            there = (folder.path / FILE).is_file()
            unused = f"{folder.path / FILE} is there and is not applied; do so with --overlay."
            return cls(given, given, sentences=(unused,) if there else ())
        materials, overlaid, record = corrected(given, request.overlay, min_per_class=request.min_per_class)
        return cls(given, materials, overlaid.settled, record, (record.sentence,))

    def look(self, rungs: Sequence[RungRecord], folder: RunFolder, earlier: RunRecord | None) -> None:
        """Search for wrong labels, and measure what the overlay bought, once the rungs are climbed."""
        suspects, reason = suspect(rungs, self.materials, folder, self.settled)
        folder.write_suspects(suspects)
        self.finding = labels.finding(suspects, str(folder.path)) if suspects else labels.not_searched(reason)
        if suspects:
            self.materials.progress.say(self.finding.sentence)
        if self.overlay is not None:
            before = earlier.overlay if earlier else None
            self.overlay = with_effect(self.overlay, before, rungs, self.materials, self.given, folder)
            self.materials.progress.say(self.overlay.effect_sentence)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be said of the labels; nothing while they were not looked at."""
        return (self.finding,) if self.finding else ()
