"""What an export keeps and costs: every format and precision of one model of MobileNetV2 on cats and dogs."""

from __future__ import annotations

from benchmarks.common import STARSHIFT, Options, dataset, main, run, table, workplace


def measure(options: Options) -> str:
    """`features` is fitted once; exports that differ beyond their tolerance stop the benchmark."""
    import starshift
    from starshift.compose.serving import FORMATS, problems
    from starshift.report.export import COLUMNS, rows, sentence

    precisions = ("float32",) if options.quick else ("float32", "float16", "8-bit")
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        run(STARSHIFT, "fit", photos, "--rungs", "features", "--out", place / "run")
        records = [
            made.record
            for format in FORMATS
            for precision in precisions
            if not problems([format], [precision])
            for made in starshift.export(place / "run", format, precision=precision)
        ]
    return table(list(COLUMNS), rows(records), sentence(records))


if __name__ == "__main__":
    main(measure, __doc__)
