"""`starshift.reproduce`: the seeds' ladder on their own task, over several root seeds, beside what they measured."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from starshift.api.console import ConsoleProgress
from starshift.api.environment import environment
from starshift.api.experiments import EXPERIMENTS
from starshift.api.fit import fit, foresee
from starshift.api.options import checked, parse_bases
from starshift.data.cache import cache_root
from starshift.data.read import Pictures, read
from starshift.data.subset import draw, flat_folder, link
from starshift.errors import DataError, RunError, UsageError
from starshift.ladder.families import select
from starshift.ladder.folder import RunFolder
from starshift.ladder.planning import Planned
from starshift.ladder.reproduce import (
    CLAIMS,
    EXPERIMENT,
    SUBSET,
    SUBSET_SEED,
    THEIR_BASE,
    bases_used,
    collect,
    training_accuracy,
)
from starshift.ladder.rungs import Rung
from starshift.progress import Progress, Silent
from starshift.recipe import near
from starshift.records import REPRODUCTION_SCHEMA, Reproduction, files
from starshift.report import words
from starshift.report.render import render
from starshift.report.reproduction import markdown, view

NO_BUDGET = "240h"
"""Every rung is climbed to its end, however long it takes."""

MOST_SEEDS = 20


def reproduce(
    experiment: str = EXPERIMENT,
    *,
    data: str | Path,
    base: str | None = None,
    seeds: int = 3,
    rungs: Sequence[str] | str = (),
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Climb the seeds' ladder with root seeds 0, 1, …, and write their table beside ours.

    experiment: "dogs-vs-cats".
    data: a folder with train/ and validation/ (and test/), each with a folder per class; or Kaggle's flat folder of
        25,000 pictures (cat.0.jpg, …), from which the seeded subset of 2,000, 1,000 and 1,000 is drawn and linked.
    base: as in `fit`. rungs: as in `fit`; all of the seeds' if empty.
    out: the folder for one run per seed (seed-0, …), table.md, table.json and reproduction.html.
    Calling again with the same `out` continues by rung and seed. There is no budget: nothing is skipped for time.
    Raises UsageError, DataError or RunError with all problems at once.
    """
    names = _check(experiment, base, seeds, rungs)
    out = Path(out) if out is not None else Path("runs") / f"reproduce-{experiment}"
    return _Reproducing(experiment, Path(data), base, range(seeds), names, out, progress or ConsoleProgress()).run()


def _check(experiment: str, base: str | None, seeds: int, rungs: Sequence[str] | str) -> list[str]:
    """The names of the rungs. Raises UsageError with all that is wrong."""
    problems: list[str] = []
    if experiment != EXPERIMENT:
        problems.append(f"Experiment {experiment!r} is not known.{near(experiment, (EXPERIMENT, *EXPERIMENTS))}")
    if not 1 <= seeds <= MOST_SEEDS:
        problems.append(f"--seeds is how many root seeds to go through, 1 to {MOST_SEEDS}; {seeds} came.")
    asked = [name.strip() for name in rungs.split(",")] if isinstance(rungs, str) else list(rungs)
    names = [name for name in asked if name] or list(CLAIMS)
    if set(names) == {"baseline"}:
        problems.append(
            f"The baseline is no rung of the seeds; give some of {', '.join(CLAIMS)}, or no --rungs for all."
        )
    none: tuple[list[Rung], tuple[str, ...]] = [], ()
    checked(problems, select, names, none[0])
    checked(problems, parse_bases, base, none[1])
    if problems:
        raise UsageError(problems)
    return [name for name in dict.fromkeys(names) if name != "baseline"]


class _Reproducing:
    """One call of `reproduce` under way."""

    def __init__(
        self,
        experiment: str,
        data: Path,
        base: str | None,
        seeds: range,
        rungs: list[str],
        out: Path,
        progress: Progress,
    ) -> None:
        self.experiment, self.data, self.base, self.seeds = experiment, data, base, seeds
        self.rungs, self.out, self.progress = rungs, out, progress
        self.runs = {seed: out / f"seed-{seed}" for seed in seeds}
        self.pictures: Callable[[], Pictures] = cache(lambda: read(self.source))

    def run(self) -> Reproduction:
        """Find the pictures, say the plan, climb seed by seed; the table is written after each."""
        self._refuse_strangers()
        self.source = self._source()
        self._say_plan()
        table = None
        for seed, folder in self.runs.items():
            self.progress.say(f"Seed {seed} of 0 to {self.seeds[-1]}: {folder}")
            self._fit(seed, folder)
            table = self._write()
        assert table is not None  # there is at least one seed
        return table

    def _refuse_strangers(self) -> None:
        if not self.out.exists():
            return
        if not self.out.is_dir():
            raise RunError(f"{self.out} is a file; name a folder with --out.")
        known = {"table.json", "table.md", "reproduction.html", "pictures"}
        strange = [path.name for path in self.out.iterdir() if path.name not in known and path.name[:5] != "seed-"]
        if strange:
            raise RunError(f"{self.out} holds something else ({strange[0]}); name another folder with --out.")

    def _source(self) -> Path:
        """The folder to read: as given, or links to the subset of a flat one."""
        if not self.data.is_dir():
            raise DataError(f"There is no folder '{self.data}'. Give the folder with the pictures by --data.")
        flat = flat_folder(self.data)
        if flat is None:
            return self.data
        folder, by_class = flat
        source = link(draw(folder, by_class, SUBSET, seed=SUBSET_SEED), self.out / "pictures")
        total = sum(len(names) for names in by_class.values())
        self.progress.say(
            f"{total:,} pictures in one folder: the subset of {words.counts(SUBSET)} is drawn with seed {SUBSET_SEED} "
            f"and linked in {source}; none is copied."
        )
        return source

    def _say_plan(self) -> None:
        """What is finished, and how long the rest will take: predicted once, and the same for every seed."""
        left = 0.0
        for seed, folder in self.runs.items():
            planned = self._foresee(seed, folder)
            done = [one.rung.name for one in planned if one.done]
            coming = [one for one in planned if not one.done and not one.reason]
            left += sum(one.seconds for one in coming)
            said = [f"finished: {words.listed(done)}"] if done else []
            said += [f"to come: {', '.join(f'{one.rung.name} {words.seconds(one.seconds)}' for one in coming)}"] * bool(
                coming
            )
            self.progress.say(f"Seed {seed}: {'; '.join(said)}.")
        self.progress.say(f"Predicted in all: {words.seconds(left)} at most; features are computed once for all seeds.")

    def _foresee(self, seed: int, folder: Path) -> list[Planned]:
        progress = self.progress if seed == 0 else Silent()  # what the pictures are like is said once
        return foresee(self.source, rungs=self.rungs, base=self.base, seed=seed, out=folder, progress=progress)

    def _fit(self, seed: int, folder: Path) -> None:
        fit(
            self.source,
            rungs=self.rungs,
            base=self.base,
            budget=NO_BUDGET,
            seed=seed,
            out=folder,
            progress=self.progress,
        )

    def _write(self) -> Reproduction:
        """table.json, table.md and reproduction.html, from what is finished."""
        table = self._table()
        files.write(table, self.out / "table.json")
        files.write_bytes(markdown(table).encode(), self.out / "table.md")
        page = render(view(table), "reproduction.html")
        files.write_bytes(page.encode("utf-8", "replace"), self.out / "reproduction.html")
        return table

    def _table(self) -> Reproduction:
        bases = bases_used(self.runs)
        accuracy = partial(training_accuracy, pictures=self.pictures, cache=cache_root())
        earlier = files.read(self.out / "table.json", Reproduction).rungs if (self.out / "table.json").is_file() else ()
        started = next(RunFolder(folder) for folder in self.runs.values() if RunFolder(folder).is_run)
        return Reproduction(
            schema=REPRODUCTION_SCHEMA,
            experiment=self.experiment,
            command=self._command(),
            data=str(self.data),
            parts={part: count for part, count in started.read_run().data.parts.items() if count},
            bases=bases,
            seeds=tuple(self.seeds),
            rungs=tuple(collect(self.rungs, self.runs, accuracy, earlier)),
            environment=environment(),
            notes=_notes(bases, self.base),
        )

    def _command(self) -> str:
        words = ["starshift", "reproduce", self.experiment, "--data", str(self.data), "--seeds", str(len(self.seeds))]
        words += ["--base", self.base] if self.base else []
        words += ["--rungs", ",".join(self.rungs)] if self.rungs != list(CLAIMS) else []
        return shlex.join([*words, "--out", str(self.out)])


def _notes(bases: tuple[str, ...], asked: str | None) -> tuple[str, ...]:
    """What of the pretrained base is not the seeds'."""
    if not bases:
        return ()
    if asked and "@" in asked:
        return (f"Pretrained base: {words.listed(list(bases))} with other weights than the published ones ({asked}).",)
    if bases == (THEIR_BASE,):
        return (f"Pretrained base: {THEIR_BASE}, as the seeds have it; the head and the recipe are ours.",)
    return (
        f"Pretrained base: {words.listed(list(bases))}, which is not the seeds' {THEIR_BASE}: their pretrained rungs "
        "and ours differ in that too.",
    )
