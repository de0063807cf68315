"""10 × 5 folds of a head on stored features, its strength chosen by inner folds of each: how long it takes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import STARSHIFT, Options, dataset, main, middle, run, rungs, table, workplace


def measure(options: Options) -> str:
    """Whole processes: `starshift fit` once for features and pictures, then with folds on what is stored."""
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        return _measure(options, photos, place)


def _measure(options: Options, photos: Path, place: Path) -> str:
    common: list[str | Path] = [STARSHIFT, "fit", photos, "--rungs", "features", "--base", "mobilenet_v2"]
    run(*common, "--protocol", "holdout", "--out", place / "first")
    protocol = "2x5-fold" if options.quick else "10x5-fold"
    whole, folds, once = [], [], []
    for repeat in range(1 if options.quick else options.repeats):
        once.append(run(*common, "--protocol", "holdout", "--out", place / f"once{repeat}").seconds)
        out = place / f"folds{repeat}"
        whole.append(run(*common, "--protocol", protocol, "--out", out).seconds)
        folds.append(rungs(out)["features"]["resampled"]["seconds"])
    figure = rungs(out)["features"]["resampled"]["leading"]
    return table(
        ["`starshift fit --rungs features`, everything stored", "seconds, whole process", "of these in folds"],
        [["--protocol holdout", middle(once), ""], [f"--protocol {protocol}", middle(whole), middle(folds)]],
        f"{figure['n']:,} photographs; accuracy {figure['value']:.2%} ({figure['low']:.2%} to {figure['high']:.2%}).",
    )


if __name__ == "__main__":
    main(measure, __doc__)
