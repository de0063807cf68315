"""A run with an ensemble and a distilled student, and what all of them cost."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from report.fake_run import Fake, fake_run, wilson
from starshift.records import (
    CostRecord,
    DistilledRecord,
    EnsembleRecord,
    Estimate,
    MemberRecord,
    Variance,
    Verdict,
)

COSTS = {
    "convnet": CostRecord(3_453_121, 236_095_488, 13_812_484, 3.21),
    "features": CostRecord(5_405_157, 867_212_928, 21_620_628, 12.0),
    "ensemble": CostRecord(5_407_462, 867_215_232, 21_629_848, 12.4),
    "distilled": CostRecord(688_579, 41_412_832, 2_754_316, 1.05),
}
ENSEMBLE = EnsembleRecord(
    part="validation",
    pictures=1000,
    accuracy=0.99,
    loss=0.0273,
    members=(
        MemberRecord("MobileNetV2, frozen", 0.6, 1, 0.985, 0.04, 0.031),
        MemberRecord("<b>convnet</b>, by adam", 0.4, 5, 0.72, 0.51, 0.0261),
    ),
    disagreement=((0.0, 0.271), (0.271, 0.0)),
    variance=Variance("MobileNetV2, frozen, its head fitted on 25 bootstrap samples", 0.0009, 25, 5, 0.00018),
)


def distilled(**changes: Any) -> DistilledRecord:
    """Beside a teacher that is right for 98.9 %."""
    difference = Estimate(-0.008, -0.015, -0.001, 1000, "Tango, paired")
    verdict = Verdict("distilled", "its teacher", "loss", "model", difference, 2, 10, 0.039, "this model loses")
    loss = Estimate(0.03, 0.02, 0.04, 1000, "bootstrap")
    teacher = CostRecord(5_407_463, 339_585_222, 24_788_844, 12.4)
    record = DistilledRecord(
        "validation", "MobileNetV2, frozen; MobileNet, frozen", 3, wilson(989, 1000), loss, wilson(985, 1000),
        wilson(986, 1000), verdict, teacher,
    )  # fmt: skip
    return replace(record, **changes)


def costly_run(**skills: float) -> Fake:
    """Rungs of COSTS on 1,000 pictures; the ensemble is chosen."""
    fake = fake_run(per_class=500, skills={"baseline": 0.0, "convnet": 0.72, "features": 0.98} | skills)
    rungs = [replace(rung, cost=COSTS.get(rung.name)) for rung in fake.run.rungs]
    first = rungs[-1]
    student = replace(first, name="distilled", cost=COSTS["distilled"], distilled=distilled())
    student = replace(student, score=replace(student.score, accuracy=wilson(981, 1000)), verdict=None)
    many = replace(first, name="ensemble", cost=COSTS["ensemble"], ensemble=ENSEMBLE)
    many = replace(many, score=replace(many.score, accuracy=wilson(990, 1000)))
    for name in ("ensemble", "distilled"):
        fake.predictions[name] = fake.predictions["features"]
    return fake.with_run(rungs=(*rungs, student, many), chosen="ensemble", test=None)
