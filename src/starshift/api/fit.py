"""`starshift.fit`: from a source of labelled pictures to a run with its models and its report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from starshift.api.command import as_command
from starshift.api.console import ConsoleProgress
from starshift.api.environment import environment
from starshift.api.given import Given, as_files
from starshift.api.options import LossWeights, Request, check_request
from starshift.api.prepare import prepare
from starshift.api.render import write_report
from starshift.api.repeat import repeat
from starshift.api.run import Run
from starshift.api.slices import sliced, values_of
from starshift.api.understood import label_risks_of, say_plan
from starshift.data.cache import cache_root
from starshift.errors import MissingWeights, TrainingDiverged
from starshift.findings import duplicates
from starshift.ladder import calibrate, picture_map, specified, why
from starshift.ladder.climb import Climb, climb, keep_test, open_test
from starshift.ladder.folder import RunFolder
from starshift.ladder.forecast import came
from starshift.ladder.own import OwnRung
from starshift.ladder.planning import Planned, plan
from starshift.ladder.retrain import retrain
from starshift.progress import Progress
from starshift.recipe import Recipe
from starshift.records import (
    SCHEMA,
    Answers,
    Calibration,
    Finding,
    RetrainRecord,
    RungRecord,
    RunRecord,
    Slices,
    TestRecord,
)
from starshift.records.slices import SlicedPart
from starshift.report import words
from starshift.report.forecast import outcome_sentence
from starshift.report.view import mistakes


def fit(
    source: Given,
    *,
    labels: str | Path | None = None,
    file_column: str | None = None,
    pattern: str | None = None,
    target: str | Sequence[str] | None = None,
    rungs: Sequence[str | OwnRung] | OwnRung | str = (),
    size: int | None = None,
    augment: str | None = None,
    base: str | None = None,
    head: str | None = None,
    loss_weights: LossWeights = None,
    budget: str | float = "5m",
    seed: int = 0,
    out: str | Path | None = None,
    allow_leaks: bool = False,
    min_per_class: int = 2,
    retrain_on_all: bool = False,
    merge_stages: bool = False,
    protocol: str = "auto",
    group_by: str | None = None,
    order_by: str | None = None,
    open_test_again: bool = False,
    overlay: str | Path | None = None,
    family: str | None = None,
    slice_by: str | None = None,
    student: str | None = None,
    unlabelled: str | Path | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Climb the ladder on labelled pictures, rows, texts or sequences; write a run folder with models and a report.

    source: of pictures, class folders, part folders with class folders, a flat folder with classes in the file names,
        a zip of any of these, or any folder with a label file; or a file of rows. Or (pixels, labels), uint8 (N, H, W)
        or (N, H, W, 3) and N labels or a mapping from targets to them; or a DataFrame, with `file_column` where it is
        about pictures. These are written down in the cache, so that a command can repeat the run.
    labels, file_column: a CSV with the file names of pictures and their labels, and its column of files.
    pattern: how file names tell labels, such as "{age:int}_{gender}_*.jpg": its fields are columns.
    target: the column to be predicted, in that file, in the file names or in the source itself; or several, the first
        leading. Its kind is inferred, or given behind a colon: "age:regression" (one of records.KINDS).
    family: "pictures", "table", "texts" or "sequences"; as the source looks if None.
    rungs: names, or variants such as "convnet:l2=0.001:dropout=0.5"; all rungs if empty. The baseline is always
        climbed. An OwnRung among them has a network, a loss or metrics of your own.
    size: side of the pictures in pixels for every rung; each rung's own if None.
    augment: name of the policy by which rungs that augment change training pictures; each rung's own if None.
    base: pretrained bases for `features`, joined by "+": "mobilenet_v2+mobilenet".
    head: of `features` and `fine-tuned`: "linear", or "dense256", the seeds' own; each rung's own if None.
    loss_weights: what the losses of several targets count, in their order: numbers, "balanced" (by the scale of each,
        as they do if None) or "uncertainty" (learned).
    budget: seconds, or "90s", "5m", "1h". A rung that does not fit is skipped and said, never shortened.
    out: the run folder, runs/NAME by default. Calling again with the same one continues what is unfinished.
    allow_leaks: go on although given parts share exact copies.
    retrain_on_all: when all is chosen, train the chosen recipe once more on training and validation pictures
        together, for the epochs found, whatever the budget; that model is tested and published.
    protocol: "holdout", or how the recipes are repeated over folds of all pictures outside the test part: "5-fold",
        "10x5-fold". "auto" chooses by the number of pictures, and repeats only rungs without training steps.
    group_by: what pictures that must stay in one part share: "column:NAME" of the label file, "folder:LEVEL" above the
        picture, "name:REGEX", "burst:SECONDS" or "camera", both from EXIF.
    open_test_again: score another model on a test part that was opened before; the report then says how often.
    order_by: what pictures are ordered by, so that training never sees the future: "column:NAME", "name:REGEX", "time".
    overlay: a person's decisions on labels, as `starshift.review` makes them: labels.overlay.csv. The pictures and
        their folders are not touched.
    slice_by: what the leading figure is shown by, so that unequal errors are seen: "column:NAME", "folder:LEVEL",
        "name:REGEX" or "camera".
    student: who is taught by `distilled`: "tiny", "small" or "base", truncated pretrained networks, or "modern" or
        "convnet", networks from scratch; "small" if None.
    unlabelled: a folder or zip of pictures without labels; `distilled` also learns what its teacher says of them.
    store: a folder, "postgresql://…" or "http(s)://…", whose learnwares the rungs `from-store` and `from-store-tuned`
        search by the training pictures, which stay here; $STARSHIFT_STORE or a folder of the user's own if None. The
        whole ladder climbs them only where it is given. The token of a served one is in $STARSHIFT_STORE_TOKEN.
    merge_stages: `fine-tuned` trains a random head and the opened base at once, instead of the head first.
    progress: where to say what goes on; the terminal if None, nowhere with starshift.progress.Silent().
    Raises UsageError, DataError, LeakError or RunError, each with all problems at once. A base whose weights are not
    to be had raises nothing: its rung is skipped with the reason.
    """
    source, labels, file_column = as_files(source, labels, file_column)
    request = check_request(
        source,
        labels=labels,
        file_column=file_column,
        target=target,
        rungs=rungs,
        size=size,
        augment=augment,
        base=base,
        budget=budget,
        seed=seed,
        out=out,
        allow_leaks=allow_leaks,
        min_per_class=min_per_class,
        retrain_on_all=retrain_on_all,
        merge_stages=merge_stages,
        head=head,
        loss_weights=loss_weights,
        protocol=protocol,
        group_by=group_by,
        order_by=order_by,
        open_test_again=open_test_again,
        overlay=overlay,
        family=family,
        pattern=pattern,
        slice_by=slice_by,
        student=student,
        unlabelled=unlabelled,
        store=store,
    )
    return _Fitting(request, progress or ConsoleProgress()).run()


def foresee(
    source: str | Path,
    *,
    rungs: Sequence[str] | str = (),
    base: str | None = None,
    seed: int = 0,
    out: str | Path,
    progress: Progress,
) -> list[Planned]:
    """What `fit` would do with these arguments: its rungs, their predicted seconds, and which are finished already.

    Reads the source and measures paces that were never measured here; fits nothing and writes nothing into `out`.
    Raises as `fit` does.
    """
    return _Fitting(check_request(source, rungs=rungs, base=base, seed=seed, out=out), progress).plan()


class _Fitting:
    """One call of `fit` under way."""

    def __init__(self, request: Request, progress: Progress) -> None:
        self.request, self.progress = request, progress
        self.began, self.started = time.monotonic(), _now()
        self.folder = RunFolder(request.out)
        self.cache = cache_root()
        self.opened = ExitStack()  # what is to be closed in the end

    def run(self) -> Run:
        """Read, look, split, plan, climb, open the test part, report."""
        try:
            self._prepare()
            return self._climb()
        finally:
            self.progress.finish()  # a bar left on the terminal would keep its cursor hidden
            self.opened.close()

    def plan(self) -> list[Planned]:
        """Read, look, split, plan."""
        try:
            self._prepare()
            return self._planned()
        finally:
            self.progress.finish()
            self.opened.close()

    def _planned(self) -> list[Planned]:
        self.earlier = self.folder.read_run() if self.folder.is_run else None
        return plan(self.request.rungs, self.request.options, self.materials, self.folder, self.earlier)

    def _prepare(self) -> None:
        self.prepared = prepare(self.request, self.folder, self.cache, self.progress)
        self.materials, self.labelled = self.prepared.materials, self.prepared.labelled
        if self.request.store:
            from starshift.api.store import opened_copy  # whose database is slow to import

            copy = self.opened.enter_context(opened_copy(self.request.store, self.cache, self.progress))
            self.materials = replace(self.materials, shelved=copy, task=self.materials.split_digest)
        self.sliced_by = values_of(self.request, self.materials)
        self.slices: tuple[Slices, ...] = ()

    def _climb(self) -> Run:
        planned, earlier = self._planned(), self.earlier
        self.risks = label_risks_of(planned, self.materials.dataset.classes)
        for sentence in self.risks:
            self.progress.say(sentence)
        say_plan(self.progress, planned, self.request.budget_seconds)
        self.openings = earlier.openings if earlier else ()
        self.test = self._test_before(earlier)
        self.retrained = earlier.retrained if earlier else None  # until this call has come to it
        self.not_retrained, self.protocol, self.unspecified = "", "", ""
        self.calibration: Calibration | None = None
        self.once: list[str] = []  # why rungs were not repeated
        self.far: list[Finding] = []  # pictures far from all others, once features are there
        self.kept = [one.done for one in planned if one.done]
        # Both at once, and only now: whatever stops the run, data and record in the folder belong together.
        self.folder.create()
        self.folder.write_dataset(self.materials.dataset, self.materials.split, self.materials.groups)
        self.folder.write_run(self._record(Climb(), finished=""))
        deadline = self.began + self.request.budget_seconds

        def keep(state: Climb) -> None:
            self.folder.write_run(self._record(state, finished=""))

        state = climb(planned, self.materials, self.folder, deadline=deadline, on_change=keep)
        self.protocol, self.once = repeat(
            self.request.protocol,
            planned,
            state,
            self.materials,
            self.folder,
            deadline=deadline,
            on_change=keep,
        )
        self.recipes = recipes = {one.rung.name: one.recipe for one in planned}
        self.calibration = calibrate.chosen(state, recipes, self.materials)
        if self.labelled:
            self.labelled.look(state.records, self.folder, earlier)
            self.far = picture_map.look(state.records, self.materials, self.folder)
        self._retrain(state, recipes)
        self._open_test(state)
        self.calibration = calibrate.published(self.calibration, self.test, self.retrained, self.materials, self.folder)
        self._publish(state)
        return Run(self.folder.path)

    def _retrain(self, state: Climb, recipes: Mapping[str, Recipe]) -> None:
        """The chosen recipe once more on all pictures but the sealed ones, where that was asked for."""
        chosen, before = state.best, self.retrained
        self.retrained = None
        if not self.request.retrain_on_all or chosen is None or chosen.name == "baseline":
            return
        try:
            self.retrained = retrain(chosen, recipes[chosen.name], self.materials, self.folder, before)
        except (TrainingDiverged, MissingWeights) as lack:  # the climb is finished, and is not lost with it
            self.not_retrained = (
                f"{chosen.name} was not trained again on all {self.materials.dataset.noun}s: {' '.join(lack.problems)}"
            )
            self.progress.say(self.not_retrained)

    def _test_before(self, earlier: RunRecord | None) -> TestRecord | None:
        """An opening of this very test part by an earlier call, also if other parts were tested since."""
        latest = earlier.test if earlier else None
        if latest and latest.split == self.materials.test_digest:
            keep_test(self.materials, self.folder)
            return latest
        self.folder.forget_test()
        return next((opening for opening in self.openings if opening.split == self.materials.test_digest), None)

    def _open_test(self, state: Climb) -> None:
        chosen = state.best
        if chosen is None or not self.materials.split.test:
            return
        if self.test is not None and not (self.request.open_test_again and self._is_another(chosen)):
            return
        if chosen.name == "baseline":
            return  # it learned nothing, so that there is nothing to test; the part stays sealed for a model
        self.test, predictions = open_test(
            chosen.name,
            self.materials,
            self.folder,
            retrained=self.retrained is not None,
            temperature=calibrate.temperature_of(self.calibration),
        )
        self.openings = (*self.openings, self.test)
        self.folder.write_test(predictions)

    def _is_another(self, chosen: RungRecord) -> bool:
        """Whether the opened test part speaks of another model than the one that is published now."""
        return self.test is not None and (self.test.rung != chosen.name or self._tested_another())

    def _slice(self, state: Climb) -> None:
        """Figures of the chosen rung by another column, on validation and on the opened test part."""
        if state.best is not None:
            tested = self.folder.read_test(self.materials.target) if self.test else None
            parts: dict[SlicedPart, Answers | None] = {
                "validation": state.predictions.get(state.best.name),
                "test": tested if self.test and self.test.rung == state.best.name else None,
            }
            self.slices = sliced(self.request, self.materials, self.sliced_by, state.best.name, parts)

    def _publish(self, state: Climb) -> None:
        self._slice(state)
        if state.best is not None:
            self._publish_model(state.best.name, state)
        self._explain(state)
        self.folder.write_run(self._record(state, finished=_now()))
        write_report(self.folder, self.materials.content, state.predictions)

    def _explain(self, state: Climb) -> None:
        """What the chosen rung's worst mistakes hang on, for the report."""
        if state.best is not None and self.materials.dataset.family == "pictures":
            worst = mistakes(self._record(state, finished=""), state.predictions)
            why.look(state.best.name, worst, state.records, self.materials, self.folder)

    def _publish_model(self, name: str, state: Climb) -> None:
        """The chosen rung's model as a learnware."""
        retrained = self.retrained is not None
        specification = None
        if name != specified.BASELINE:  # it learned nothing of the pictures, so that nobody looks for it by his own
            learnware, _ = self.folder.read_model(name, retrained=retrained)
            specification, self.unspecified = specified.specification(learnware, self.materials, retrained=retrained)
            if self.unspecified:
                self.progress.say(self.unspecified)
        self.folder.publish(
            name,
            self.test,
            retrained=retrained,
            calibration=self.calibration,
            specification=specification,
            protocol=self.materials.split.how,
            provenance=specified.provenance(self.recipes[name], self.materials, made=self.started),
            beat=specified.beat(name, state.predictions, self.materials.dataset.noun),
        )

    def _record(self, state: Climb, *, finished: str) -> RunRecord:
        return RunRecord(
            schema=SCHEMA,
            name=self.folder.path.resolve().name,
            command=as_command(self.request),
            seed=self.request.seed,
            budget_seconds=self.request.budget_seconds,
            started=self.started,
            finished=finished,
            seconds=round(time.monotonic() - self.began, 2),
            data=self.prepared.summary,
            split=self.materials.split.how,
            findings=(*self.prepared.findings, *(self.labelled.findings if self.labelled else ()), *self.far),
            rungs=calibrate.told((*state.records, *self._still_kept(state, finished)), self.calibration),
            chosen=state.best.name if state.best else "",
            test=self.test,
            environment=environment(),
            openings=self.openings,
            retrained=self.retrained,
            protocol=self.protocol,
            notes=self._notes(state),
            calibration=self.calibration,
            slices=self.slices,
            overlay=self.labelled.overlay if self.labelled else None,
        )

    def _still_kept(self, state: Climb, finished: str) -> list[RungRecord]:
        """Rungs finished by earlier calls that this climb has not come to: a stop now must not lose them."""
        seen = {record.name for record in state.records}
        return [] if finished else [record for record in self.kept if record.name not in seen]

    def _notes(self, state: Climb) -> tuple[str, ...]:
        notes = []
        if self.request.allow_leaks and duplicates.across_parts(self.materials.dataset):
            notes.append("Given parts share exact copies; --allow-leaks went on. The figures flatter.")
        notes += [*self.risks, *self.once]
        if self.retrained:
            notes.append(_said_of(self.retrained, self.materials.dataset.noun))
        if self.not_retrained:
            notes.append(self.not_retrained)
        fared = came(self.folder, state.records, len(self.materials.split.train))
        notes += [outcome_sentence(outcome) for outcome in fared]
        if self.test and state.best and self.test.rung == state.best.name and self._tested_another():
            notes.append(
                f"The test part was opened on {self.test.opened} for {self.test.rung!r} "
                f"{'after' if self.test.retrained else 'before'} it was trained again on all "
                f"{self.materials.dataset.noun}s, and is not opened again for the model that is published now "
                "(--open-test-again does)."
            )
        if self.test and state.best and self.test.rung != state.best.name:
            notes.append(
                f"The test part was opened on {self.test.opened} for {self.test.rung!r} and is not opened again for "
                f"{state.best.name!r}, which is now the best on the validation part (--open-test-again does)."
            )
        notes += calibrate.other_temperature(self.calibration, self.test)
        if self.unspecified:
            notes.append(self.unspecified)
        return tuple(notes)

    def _tested_another(self) -> bool:
        """Whether the opened test part speaks of a model that was trained on other pictures."""
        return self.test is not None and self.test.retrained != (self.retrained is not None)


def _said_of(retrained: RetrainRecord, noun: str) -> str:
    epochs = f", for {words.listed([str(count) for count in retrained.epochs])} epochs" if retrained.epochs else ""
    return (
        f"model/ holds {retrained.rung} trained again on {retrained.pictures:,} training and validation {noun}s "
        f"together{epochs}. Validation figures are those of the model before, which never saw these {noun}s, and so "
        f"is its temperature; without such {noun}s it has no thresholds."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
