"""forecasts.jsonl: what was foretold for more pictures, from which measurements, and how it turned out."""

from __future__ import annotations

from msgspec import Struct

from starshift.records.score import Estimate

FORECAST_SCHEMA = 1
"""The number of a forecast's form; a change that old readers cannot read adds one."""


class MeasuredSize(Struct, frozen=True, forbid_unknown_fields=True):
    """One size of the learning curve."""

    pictures: int  # trained on
    accuracy: Estimate
    fits: int  # heads that the figure is the mean of


class ForecastPoint(Struct, frozen=True, forbid_unknown_fields=True):
    """What is foretold for one number of training pictures. All but the counts are shares."""

    pictures: int  # to train on
    accuracy: float  # the true accuracy: on endlessly many pictures of this kind
    low: float  # 80 % interval of the true accuracy
    high: float
    lowest: float  # 95 % interval of the true accuracy
    highest: float
    measured_low: float  # 80 % interval of what the validation part of a fit with so many pictures will show
    measured_high: float
    tested: int  # pictures in that part: fresh ones where it is cut anew, else the given ones once more


class TargetForecast(Struct, frozen=True, forbid_unknown_fields=True):
    """How many training pictures an accuracy takes; None: more than 4 times those of now."""

    accuracy: float  # asked for, a share
    pictures: int | None
    low: int | None  # 80 % interval
    high: int | None


class ClassOutlook(Struct, frozen=True, forbid_unknown_fields=True):
    """What more pictures of one class alone are expected to bring."""

    label: str
    pictures: int  # of this class among the training pictures of now
    error: Estimate  # share of its pictures that are not recognized, with all training pictures of now
    drop: Estimate  # of the total error, a share, per 100 pictures more of this class


class ForecastOutcome(Struct, frozen=True, forbid_unknown_fields=True):
    """An earlier forecast beside what came. All but the counts are shares."""

    made: str  # ISO 8601, UTC
    pictures_then: int  # training pictures that the forecast was made from
    pictures: int  # training pictures that there are now
    foretold: float
    low: float  # 80 % interval of a measurement on `tested` pictures
    high: float
    came: float
    tested: int
    inside: bool


class Forecast(Struct, frozen=True, forbid_unknown_fields=True):
    """One forecast: the curve that was measured, and what follows from it, or why nothing does."""

    schema: int
    made: str  # ISO 8601, UTC
    run: str
    rung: str
    classes: tuple[str, ...]
    recipe: str  # digest of everything that the head is made by; only equal ones are compared
    pictures: int  # training pictures of now
    tested: int  # pictures that the curve was measured on
    rotated: bool  # whether each was left out of training in turn; else they are the validation part
    sizes: tuple[MeasuredSize, ...]
    doubling: Estimate  # change of accuracy per doubling at the largest sizes, a share
    refusal: str = ""  # why nothing is foretold, in sentences; the fields below are then empty
    families: dict[str, float] = {}  # weight of each family of functions, by its name; they sum to 1
    curve: tuple[ForecastPoint, ...] = ()  # from the smallest size measured to 4 times the pictures of now
    asked: tuple[ForecastPoint, ...] = ()
    target: TargetForecast | None = None
    outlook: tuple[ClassOutlook, ...] = ()  # by class, the largest drop first
    collect_first: str = ""  # the class to collect first; "" where it cannot be told
    outcomes: tuple[ForecastOutcome, ...] = ()  # of earlier forecasts, the latest first
