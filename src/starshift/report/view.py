"""A run's records → one plain dict in which everything is chosen and worded; templates only lay it out.

The order of the dict is the order of the page: the verdict, then pictures, then tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starshift.records import (
    NOUNS,
    Answers,
    AnyScore,
    Dataset,
    Epoch,
    NumberScore,
    PictureMap,
    Predictions,
    RungRecord,
    RunRecord,
    Score,
    Suspects,
    TestRecord,
    Why,
)
from starshift.records.forecast import Forecast
from starshift.report import answers as spoken
from starshift.report import charts, copies, leading, odd, pictures, words
from starshift.report.augmented import Sheet, augmented
from starshift.report.calibration import calibration
from starshift.report.charts import BASELINE
from starshift.report.confusion import confusion
from starshift.report.costs import costs
from starshift.report.data import data
from starshift.report.ensembles import ensembles
from starshift.report.figures import figures
from starshift.report.forecast import view as forecast_view
from starshift.report.heads import heads
from starshift.report.map import drawn, marks
from starshift.report.pictures import Thumbnail
from starshift.report.remedies import remedies
from starshift.report.slices import slices
from starshift.report.suspects import labels
from starshift.report.suspects import shown as shown_suspects
from starshift.report.texts import TextLook
from starshift.report.texts import view as texts_view
from starshift.report.why import legend, reasons


def mistakes(run: RunRecord, answers: Mapping[str, Answers]) -> list[str]:
    """Paths of the chosen rung's worst mistakes as `view` shows them, the worst first."""
    if run.chosen == BASELINE or run.chosen not in answers:
        return []
    found = answers[run.chosen]
    rows = pictures.confident_mistakes(found) if isinstance(found, Predictions) else spoken.worst(found)
    return [found.paths[row] for row in rows]


def wanted(run: RunRecord, answers: Mapping[str, Answers], suspects: Suspects | None = None) -> list[str]:
    """Paths of the pictures whose thumbnails `view` will ask for, each once; store them with the run."""
    predictions = {name: one for name, one in answers.items() if isinstance(one, Predictions)}
    shown = _shown(run, predictions)
    rows = [*pictures.confident_mistakes(shown), *pictures.least_certain(shown)] if shown else []
    doubted = [one.path for one in shown_suspects(suspects)]
    answered = [shown.paths[row] for row in rows if shown]
    if run.chosen != BASELINE and run.chosen in answers and run.chosen not in predictions:
        answered += [answers[run.chosen].paths[row] for row in spoken.worst(answers[run.chosen])]
    return list(dict.fromkeys([*answered, *copies.wanted(run), *odd.wanted(run), *doubted]))


def view(
    run: RunRecord,
    dataset: Dataset,
    *,
    histories: Mapping[str, Sequence[Epoch]],
    answers: Mapping[str, Answers],
    test: Answers | None,
    thumbnail: Thumbnail,
    sheets: Sequence[Sheet] = (),
    suspects: Suspects | None = None,
    forecast: Forecast | None = None,
    picture_map: PictureMap | None = None,
    texts: TextLook | None = None,
    why: Why | None = None,
) -> dict[str, Any]:
    """Everything that the report says.

    histories and answers (on the validation part): by rung. test: the chosen rung's answers on the
    sealed part, once it was opened. thumbnail: a picture's path → its JPEG bytes, or None. sheets: augmented
    pictures, by policy. suspects: pictures whose labels look wrong, where labels were searched.
    forecast: the latest on this run's pictures.
    picture_map: where pictures lie when like ones lie together. texts: what is shown of texts. why: reasons for the
    worst mistakes.
    Returns strings, numbers, lists and dicts only; hidden characters in names are spelled out.
    """
    rung = _rung(run, run.chosen)
    predictions = {name: one for name, one in answers.items() if isinstance(one, Predictions)}
    shown = _shown(run, predictions)
    verdict = _verdict(run, rung)
    why = why if why is not None and why.rung == run.chosen else None
    because = reasons(why, thumbnail)
    whole = {
        "language": "en",
        "noun": _noun(run),
        "leads": "accuracy" if rung is None or rung.score is None else rung.score.leading.metric,
        "title": f"{verdict['headline'] or 'No model yet'} · {run.name}",
        "name": run.name,
        "when": words.moment(run.finished or run.started),
        "verdict": verdict,
        "ladder": charts.ladder(run.rungs, run.chosen, run.test, balanced=leading.is_balanced(run)),
        "curves": [
            charts.curves(one, histories[one.name])
            | {"remedies": remedies(one, run, predictions) if dataset.family == "pictures" else None}
            for one in run.rungs
            if histories.get(one.name)
        ],
        "ensembles": ensembles(run),
        "costs": costs(run),
        "confusion": _confusion(rung, dataset),
        "calibration": calibration(run),
        "galleries": _galleries(run.chosen, shown, dataset, thumbnail, because)
        if shown and dataset.family == "pictures"
        else [],
        "said": spoken.said(
            rung, None if run.chosen == BASELINE else answers.get(run.chosen), dataset, thumbnail, because
        ),
        "why": legend(why, because),
        "heads": heads(run),
        "slices": slices(run),
        "texts": texts_view(texts),
        "labels": labels(run, suspects, dataset, thumbnail) if dataset.family == "pictures" else None,
        "forecast": forecast_view(forecast) if forecast else None,
        "map": drawn(picture_map, dataset.classes, marks(run.findings, suspects)),
        "augmented": augmented(sheets),
        "data": data(run, dataset, thumbnail),
        "figures": figures(run, rung),
        "repeat": _repeat(run),
    }
    cleaned: dict[str, Any] = words.cleaned(whole)
    return cleaned


# ---- what is shown of which rung ------------------------------------------------------------------


def _rung(run: RunRecord, name: str) -> RungRecord | None:
    return next((rung for rung in run.rungs if rung.name == name and rung.score), None)


def _shown(run: RunRecord, predictions: Mapping[str, Predictions]) -> Predictions | None:
    """The chosen rung's predictions, unless it looks at no picture: its mistakes would teach nothing."""
    return None if run.chosen == BASELINE else predictions.get(run.chosen)


def _confusion(rung: RungRecord | None, dataset: Dataset) -> dict[str, Any] | None:
    if rung is None or not isinstance(rung.score, Score) or rung.name == BASELINE:
        return None
    n = words.counted(rung.score.accuracy.n, f"validation {dataset.noun}")
    return {"rung": rung.name, "n": n, "noun": dataset.noun, **confusion(rung.score, dataset.classes, dataset.noun)}


def _galleries(
    chosen: str, shown: Predictions, dataset: Dataset, thumbnail: Thumbnail, because: Mapping[str, Any]
) -> list[dict[str, Any]]:
    sizes = {picture.path: (picture.width, picture.height) for picture in dataset.pictures}
    wrong = int(((shown.targets >= 0) & ~shown.right).sum())
    mistakes, doubts = pictures.confident_mistakes(shown), pictures.least_certain(shown)
    n = words.counted(len(shown.paths), "validation picture")
    return [
        {
            "id": "mistakes",
            "title": "The most confident mistakes",
            "lead": _mistakes_lead(wrong, len(mistakes), n),
            "marked": False,  # all are wrong
            "cards": pictures.gallery(mistakes, shown, thumbnail, sizes, because),
        },
        {
            "id": "doubts",
            "title": "The least certain pictures",
            "lead": f"Where the best answer of {chosen} had the lowest probability, right or wrong.",
            "marked": True,
            "cards": pictures.gallery(doubts, shown, thumbnail, sizes),
        },
    ]


def _mistakes_lead(wrong: int, shown: int, n: str) -> str:
    if not wrong:
        return f"No mistake on {n}."
    which = "Here they all are" if wrong == shown else f"Here are the {shown} it was surest of"
    return (
        f"Wrong on {words.count(wrong)} of {n}. {which}, surest first: "
        "the picture is hard, the model is blind to something, or the label is wrong."
    )


# ---- the verdict ----------------------------------------------------------------------------------


def _verdict(run: RunRecord, rung: RungRecord | None) -> dict[str, Any]:
    """The sentence that leads, its caution, and the few facts beside it."""
    headline, said = _leading(run, rung)
    return {
        **headline,
        "said": [words.sentence(one) for one in said if one.strip()],
        "cautions": [words.sentence(one) for one in _cautions(run, rung)],
        "facts": _facts(run),
    }


def _leading(run: RunRecord, rung: RungRecord | None) -> tuple[dict[str, str], list[str]]:
    """The headline in its pieces (before the figure, figure, after it), and the sentences below it."""
    if rung is None or rung.score is None:
        return _headline("No rung has finished, so there is no model yet"), _skips(run)
    if rung.name == BASELINE:
        return _only_baseline(run, rung.score)
    if run.test and run.test.rung == rung.name:
        return _with_test(run, rung, rung.score, run.test)
    balanced = leading.is_balanced(run)
    said = _headline(*_headline_of(run, rung.name, rung.score, "validation"))
    first = f"{_interval_sentence(rung.score, balanced)} {leading.why(rung.score, balanced=balanced, noun=_noun(run))}"
    return said, [first, f"{_against(rung)} {_beside_baseline(run)}"]


def _headline(before: str, figure: str = "", after: str = "", title: str = "") -> dict[str, str]:
    return {"before": before, "figure": figure, "after": f"{after}.", "headline": title}


def _headline_of(run: RunRecord, rung: str, score: AnyScore, part: str) -> tuple[str, str, str, str]:
    target = run.data.targets[0].name if run.data.targets else ""
    balanced = leading.is_balanced(run)
    return leading.headline(rung, score, part, balanced=balanced, noun=_noun(run), target=target)


def _noun(run: RunRecord) -> str:
    return NOUNS[run.data.family]


def _with_test(run: RunRecord, rung: RungRecord, score: AnyScore, test: TestRecord) -> tuple[dict[str, str], list[str]]:
    balanced = leading.is_balanced(run)
    said = _headline(*_headline_of(run, rung.name, test.score, "sealed test"))
    again = f", which was trained again on training and validation {_noun(run)}s together" if test.retrained else ""
    opened = f"The sealed test part was opened once, for this model{again}, on {words.moment(test.opened)}"
    if run.test_uses > 1:
        opened = (
            f"Test data was used {run.test_uses} times, the last for this model{again}, on {words.moment(test.opened)}"
        )
    why = leading.why(test.score, balanced=balanced, noun=_noun(run))
    chosen = f"On validation, which chose it: {leading.told(score, balanced=balanced)}"
    return said, [
        f"{_interval_sentence(test.score, balanced)} {why} {opened}.",
        f"{chosen}. {_against(rung)} {_beside_baseline(run)}",
    ]


def _only_baseline(run: RunRecord, score: AnyScore) -> tuple[dict[str, str], list[str]]:
    others = [rung for rung in run.rungs if rung.name != BASELINE]
    finished = [rung.name for rung in others if rung.score]
    why = f"{words.listed(finished)} did no better." if finished else "No model has been trained."
    estimate, is_number = score.leading.estimate, isinstance(score, NumberScore)
    does = "is off by" if is_number else "is right for"
    examples = words.counted(estimate.n, f"validation {_noun(run)}")
    said = _headline(
        f"No model beats the baseline, which {does} "
        if finished
        else f"Only the baseline finished: always giving the same answer {does} ",
        words.amount(estimate.value) if is_number else words.percent(estimate.value),
        f", on average over {examples}" if is_number else f" of {examples}",
        title=leading.told(score),
    )
    return said, [_interval_sentence(score) + " " + why, *_skips(run)]


def _interval_sentence(score: AnyScore, balanced: bool = False) -> str:
    estimate, form = leading.figure(score, balanced=balanced), None if score.leading.is_share else words.AMOUNT
    if estimate.low is None:
        return words.sentence(words.interval(estimate))
    return f"95 % interval {words.interval(estimate, form)} ({estimate.method}, n = {words.count(estimate.n)})."


def _against(rung: RungRecord) -> str:
    return words.verdicts(rung)


def _beside_baseline(run: RunRecord) -> str:
    """What no model at all would reach, where the verdict does not say it already."""
    baseline, chosen = _rung(run, BASELINE), _rung(run, run.chosen)
    if baseline is None or baseline.score is None:
        return ""
    if chosen and chosen.verdict and chosen.verdict.against == BASELINE:
        return ""
    value = baseline.score.leading.estimate.value
    if isinstance(baseline.score, NumberScore):
        return f"Always giving the mean is off by {words.amount(value)}."
    return f"Always giving the commonest answer is right for {words.percent(value)}."


def _skips(run: RunRecord) -> list[str]:
    return [
        f"{rung.name} was skipped: {rung.reason or 'no reason was recorded'}"
        for rung in run.rungs
        if rung.status == "skipped"
    ]


def _cautions(run: RunRecord, rung: RungRecord | None) -> list[str]:
    """What must be known before the figure is believed."""
    leaks = [finding.sentence for finding in run.findings if finding.kind == "leak"]
    stopped = [] if run.finished else ["This run is under way or was stopped: more rungs may follow"]
    sealed = [_test_caution(run, rung)] if rung and rung.name != BASELINE else []
    return [one for one in [*sealed, *leaks, *_copies(run, rung), *stopped] if one]


def _copies(run: RunRecord, rung: RungRecord | None) -> list[str]:
    """What the figures are without pictures that were as good as seen in training."""
    if rung is None or rung.score is None or rung.name == BASELINE:
        return []
    test = run.test if run.test and run.test.rung == rung.name else None
    return [
        words.without_copies(test.score, test.without_copies, "test", _noun(run)) if test else "",
        words.without_copies(rung.score, rung.without_copies, "validation", _noun(run)),
    ]


def _test_caution(run: RunRecord, rung: RungRecord) -> str:
    if run.test and run.test.rung == rung.name:
        return (
            f"Test data was used {run.test_uses} times: whoever chose between these models by it has the luck of the "
            "choice in the figure"
            if run.test_uses > 1
            else ""
        )
    if run.test:
        return (
            f"The sealed test part was opened for {run.test.rung} ({leading.told(run.test.score)}), "
            f"before {rung.name} was chosen; {rung.name} has no test figure"
        )
    if run.data.parts.get("test"):
        return f"The sealed test part has not been opened: these validation {_noun(run)}s also chose the model"
    return f"No sealed test: these {_noun(run)}s also chose the model"


def _facts(run: RunRecord) -> list[dict[str, str]]:
    total = run.data.examples
    aside = sum(run.data.set_aside.values())
    warnings = sum(finding.severity == "warning" for finding in run.findings)
    return [
        {"figure": words.count(total), "words": _noun(run) + ("" if total == 1 else "s"), "to": "#data"},
        *_classes_fact(run),
        {"figure": words.seconds(run.seconds), "words": "in all", "to": "#figures"},
        {"figure": words.count(aside), "words": "set aside", "to": "#data"},
        {"figure": words.count(warnings), "words": "warning" if warnings == 1 else "warnings", "to": "#data"},
    ]


def _classes_fact(run: RunRecord) -> list[dict[str, str]]:
    classes = len(run.data.classes)
    return [{"figure": words.count(classes), "words": "classes", "to": "#data"}] if classes else []


# ---- how to repeat it -----------------------------------------------------------------------------


def _repeat(run: RunRecord) -> dict[str, Any]:
    machine = run.environment
    return {
        "command": run.command,
        "facts": [
            {"term": "Seed", "text": str(run.seed)},
            {"term": "Budget", "text": words.seconds(run.budget_seconds)},
            {"term": "Started", "text": words.moment(run.started)},
            {"term": "Machine", "text": _machine(run)},
            {"term": "Software", "text": f"starshift {machine.starshift}, Python {machine.python}"},
            {"term": "Libraries", "text": ", ".join(f"{k} {v}" for k, v in sorted(machine.versions.items()))},
        ],
        "rungs": [_made(rung) for rung in run.rungs],
        "notes": [words.sentence(note) for note in run.notes],
    }


def _machine(run: RunRecord) -> str:
    machine = run.environment
    cores = words.counted(machine.cores, "core")
    return f"{machine.processor}, {cores}, {machine.memory_gib:.1f} GiB memory, {machine.platform}"


def _made(rung: RungRecord) -> dict[str, Any]:
    return {
        "name": rung.name,
        "description": words.sentence(rung.description),
        "details": [{"term": term, "text": text} for term, text in rung.details.items()],
        "nondeterministic": words.sentence(rung.nondeterministic),
        "reason": words.sentence(rung.reason),
        "key": rung.key[:12],
    }
