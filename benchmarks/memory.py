"""Peak memory of `starshift fit` on dogs-vs-cats, all rungs, from empty caches; minutes."""

from __future__ import annotations

from benchmarks.common import STARSHIFT, Options, dataset, main, run, rungs, table, workplace


def measure(options: Options) -> str:
    """One whole process per selection of rungs."""
    photos = dataset(options, "dogs-vs-cats")
    rows = []
    for selection in ("features",) if options.quick else ("features", "baseline,convnet,features"):
        with workplace(options) as place:
            ran = run(STARSHIFT, "fit", photos, "--rungs", selection, "--budget", "30m", "--out", place / "run")
            seconds = " + ".join(f"{rung['seconds']:.0f}" for rung in rungs(place / "run").values())
        rows.append([f"`--rungs {selection}`", f"{ran.peak_mib / 1024:.2f}", f"{ran.seconds:.0f} ({seconds})"])
        print(*rows[-1], flush=True)
    return table(
        ["whole process", "peak memory, GiB", "seconds (by rung)"],
        rows,
        "Resident memory as the system counts it, pages of memory-mapped caches included.",
        "Run with --quick: without convnet." if options.quick else "",
    )


if __name__ == "__main__":
    main(measure, __doc__)
