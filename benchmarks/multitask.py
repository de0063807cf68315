"""Three heads on one fine-tuned base against three separate models, on pacs; and what losses' weights do to them."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.common import Options, dataset, main, middle, table, workplace

TARGETS = ("object", "style", "living")
"""Of every picture: one of 7 objects, one of 4 styles, and whether the object lives."""

BASE = "mobilenet_v2"

WEIGHTS = ("balanced", "1/1/1", "100/1/1", "uncertainty")
"""The second leaves losses as they are; in the third one drowns the others, as the seeds warn."""


def measure(options: Options) -> str:
    """Both tables."""
    with workplace(options) as place:
        source = dataset(options, "pacs")
        _fit(source, place / "first", TARGETS, "fine-tuned", 0, options)  # what is computed once is not counted below
        return "\n\n".join((_sharing(source, place, options), _weights(source, place, options)))


def _sharing(source: Path, place: Path, options: Options) -> str:
    """Whether sharing helps, head by head, and what it costs."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in (*TARGETS, "seconds")}
    outcomes: dict[str, list[str]] = {name: [] for name in TARGETS}
    for seed in range(options.repeats):
        one = _fit(source, place / f"one-{seed}", TARGETS[:1], "fine-tuned", seed, options)
        both = _fit(source, place / f"both-{seed}", TARGETS, "fine-tuned,fine-tuned:sharing=no", seed, options)
        rungs = {"one target": one[-1], "shared": both[-2], "separate": both[-1]}
        for name, rung in rungs.items():
            found["seconds"].setdefault(name, []).append(rung.seconds)
        for name in ("shared", "separate"):
            for target, estimate in _accuracies(rungs[name]).items():
                found[target].setdefault(name, []).append(estimate)
        for target, verdict in _verdicts(rungs["separate"]).items():
            outcomes[target].append(verdict.outcome)
    rows = [
        [target, *(middle([100 * one for one in found[target][name]]) for name in ("shared", "separate")),
         ", ".join(outcomes[target])]
        for target in TARGETS
    ]  # fmt: skip
    seconds = {name: mean(values) for name, values in found["seconds"].items()}
    ratio = seconds["shared"] / seconds["one target"]
    return table(
        ["head", "accuracy, shared (%)", "accuracy, separate (%)", "separate against shared, by seed"],
        rows,
        f"Seconds of the rung: one target {seconds['one target']:.0f}, three heads on one base {seconds['shared']:.0f} "
        f"({ratio:.2f} times one), three models {seconds['separate']:.0f}. Activations were computed before.",
        _about(options),
    )


def _weights(source: Path, place: Path, options: Options) -> str:
    """What the losses' weights do to each head."""
    rungs = ",".join(["fine-tuned", *(f"fine-tuned:loss_weights={one}" for one in WEIGHTS[1:])])
    found: list[dict[str, list[float]]] = [{name: [] for name in TARGETS} for _ in WEIGHTS]
    for seed in range(options.repeats):
        records = _fit(source, place / f"weights-{seed}", TARGETS, rungs, seed, options)[-len(WEIGHTS) :]
        by_name = {record.name: record for record in records}
        for weights, into in zip(WEIGHTS, found, strict=True):
            name = "fine-tuned" if weights == "balanced" else f"fine-tuned:loss_weights={weights}"
            record = next(one for key, one in by_name.items() if key.removesuffix(_quick(options)) == name)
            for target, estimate in _accuracies(record).items():
                into[target].append(estimate)
    rows = [
        [weights, *(middle([100 * one for one in into[target]]) for target in TARGETS)]
        for weights, into in zip(WEIGHTS, found, strict=True)
    ]
    return table(["loss weights", *(f"{target}, accuracy (%)" for target in TARGETS)], rows, _about(options))


def _fit(source: Path, out: Path, targets: tuple[str, ...], rungs: str, seed: int, options: Options) -> list[Any]:
    """The finished rungs of a run, the baseline aside."""
    import starshift
    from starshift.progress import Silent

    run = starshift.fit(
        source / "images",
        labels=source / "labels.csv",
        target=targets,
        rungs=",".join(rung + _quick(options) for rung in rungs.split(",")),
        base=BASE,
        protocol="holdout",
        budget="10h",
        seed=seed,
        out=out,
        progress=Silent(),
    )
    return [record for record in run.record.rungs if record.name != "baseline"]


def _quick(options: Options) -> str:
    return ":epochs=1" if options.quick else ""


def _accuracies(record: Any) -> dict[str, float]:
    """Of every head, on the validation part."""
    return {TARGETS[0]: record.score.accuracy.value} | {one.target: one.score.accuracy.value for one in record.heads}


def _verdicts(record: Any) -> dict[str, Any]:
    return {TARGETS[0]: record.verdict} | {one.target: one.verdict for one in record.heads}


def _about(options: Options) -> str:
    return (
        f"pacs, {BASE} opened, medians over {options.repeats} seeds with their range; each seed has a split of its own."
    )


if __name__ == "__main__":
    main(measure, __doc__)
