"""`starshift.forecast`: how good a run would be with more pictures, and how many an accuracy takes."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from starshift.api.console import ConsoleProgress
from starshift.api.render import read_answers, write_report
from starshift.data.cache import cache_root
from starshift.errors import UsageError
from starshift.evaluation.forecast import FARTHEST
from starshift.ladder.folder import RunFolder
from starshift.ladder.forecast import Source, foretell, keep, outcomes, read_forecasts
from starshift.ladder.learning_curve import Task, head_of, measure
from starshift.progress import Progress
from starshift.records import files
from starshift.records.forecast import Forecast
from starshift.report.forecast import view
from starshift.report.render import render

PAGE = "forecast.html"


def forecast(
    run: str | Path,
    *,
    pictures: int | None = None,
    target_accuracy: float | None = None,
    progress: Progress | None = None,
) -> Forecast:
    """Measure the learning curve of a run's linear head on frozen features, and carry it on to more pictures.

    run: the folder of a run with a finished rung such as `features`.
    pictures: training pictures to foretell for, more than now and up to 4 times as many; twice and 4 times if None.
    target_accuracy: a share, 0.95: how many training pictures does it take?
    progress: where to say what goes on; the terminal if None.
    The forecast is added to forecasts.jsonl in the run folder, and shown in forecast.html. Earlier ones of the same
    classes and recipe, made from fewer pictures, are held against what came (`outcomes`). Where the curve says
    nothing, `refusal` holds the reason. Raises UsageError, DataError where there are too few pictures for a curve,
    and RunError, each with all problems at once.
    """
    _check(pictures, target_accuracy)
    progress = progress or ConsoleProgress()
    folder = RunFolder(Path(run))
    source = Source.find(folder)
    try:
        task = source.task(cache_root(), folder.read_run().seed, progress)
        _check_reach(pictures, task)
        measured = measure(task, head_of(source.learnware.arguments), progress)
    finally:
        progress.finish()
    made = foretell(source, task, measured, asked=() if pictures is None else (pictures,), target=target_accuracy)
    earlier = read_forecasts(folder)
    accuracy = made.sizes[-1].accuracy
    fared = outcomes(earlier, made.classes, made.recipe, made.pictures, accuracy.value, accuracy.n)
    made = replace(made, outcomes=tuple(fared))
    keep(folder, made)
    _write_page(folder, made, len(earlier))
    write_report(folder, None, read_answers(folder, folder.read_run()))  # which has a section for it
    return made


def _write_page(folder: RunFolder, made: Forecast, earlier: int) -> None:
    page = render({"language": "en", "title": f"Forecast · {made.run}", "forecast": view(made, earlier)}, PAGE)
    files.write_bytes(page.encode("utf-8", "replace"), folder.path / PAGE)


def _check(pictures: int | None, target_accuracy: float | None) -> None:
    problems = []
    if pictures is not None and pictures < 1:
        problems.append(f"--pictures is a number of training pictures; {pictures} came.")
    if target_accuracy is not None and not 0 < target_accuracy < 1:
        share = f" Did you mean {target_accuracy / 100:g}?" if 1 < target_accuracy < 100 else ""
        problems.append(f"--target-accuracy is a share between 0 and 1, such as 0.95; {target_accuracy:g} came.{share}")
    if problems:
        raise UsageError(problems)


def _check_reach(pictures: int | None, task: Task) -> None:
    """Raises UsageError where pictures are asked for that are there already, or too far off."""
    now = task.sizes[-1]
    if pictures is None or now < pictures <= FARTHEST * now:
        return
    if pictures <= now:
        raise UsageError(
            f"The run has {now:,} training pictures already; --pictures names more of them, up to {FARTHEST * now:,}. "
            f"{pictures:,} came."
        )
    raise UsageError(
        f"Nothing is foretold beyond {FARTHEST} times the {now:,} training pictures of now: a curve does not say what "
        f"comes so far off. --pictures may be {now + 1:,} to {FARTHEST * now:,}; {pictures:,} came."
    )
