"""What a run's report shows of its texts: looked for at the end of a fit, and kept in the run's folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from starshift.compose.apart import parts
from starshift.compose.telling import heaviest, pieces, tells
from starshift.compose.texts import TextModel
from starshift.data.content import Content
from starshift.data.texts import Texts
from starshift.ladder.folder import RunFolder
from starshift.records import Answers, Dataset, Predictions, RunRecord, files
from starshift.report.charts import BASELINE
from starshift.report.pictures import confident_mistakes
from starshift.report.texts import MOST_WORDS, Excerpt, HeavyWords, TextLook, excerpt, largest

FILE = "texts.json"


def text_look(
    folder: RunFolder, run: RunRecord, dataset: Dataset, content: Content | None, answers: Mapping[str, Answers]
) -> TextLook | None:
    """Excerpts of the chosen rung's mistakes and the heaviest words; what an earlier call kept where the texts are not
    at hand, and None where there is nothing to show.
    """
    file = folder.path / FILE
    if dataset.family != "texts":
        return None
    if not isinstance(content, Texts):
        return files.read(file, TextLook) if file.is_file() else None
    look = _look(folder, run, content, answers.get(run.chosen))
    if look is not None:
        files.write(look, file)
    else:
        file.unlink(missing_ok=True)
    return look


def _look(folder: RunFolder, run: RunRecord, content: Texts, said: Answers | None) -> TextLook | None:
    if run.chosen == BASELINE or not isinstance(said, Predictions):
        return None
    told_by, model = _linear(folder, run)
    rows = confident_mistakes(said)
    place = {example.path: index for index, example in enumerate(content.dataset.examples)}
    return TextLook(
        rung=run.chosen,
        wrong=int((said.known & ~said.right).sum()),
        examples=len(said.paths),
        mistakes=tuple(_excerpt(said, row, content.texts[place[said.paths[row]]], model) for row in rows),
        told_by=told_by,
        heavy=_heavy(model, content.dataset) if model else (),
    )


def _linear(folder: RunFolder, run: RunRecord) -> tuple[str, TextModel | None]:
    """The linear model that words are told by: of the chosen rung where it is one, else of the first there is."""
    finished = [rung.name for rung in run.rungs if rung.status == "finished" and rung.name != BASELINE]
    for name in sorted(finished, key=lambda name: name != run.chosen):
        learnware, tensors = folder.read_model(name)
        if learnware.apart:  # several targets: the leading one's model
            learnware, tensors = parts(learnware, tensors)[0]
        if learnware.builder == "ngrams" and tells(model := TextModel(learnware, tensors)):
            return name, model
    return "", None


def _excerpt(said: Predictions, row: int, text: str, model: TextModel | None) -> Excerpt:
    answer, truth = int(said.predicted[row]), int(said.targets[row])
    weighed = pieces(model, text, answer, truth) if model else [(word + " ", 0.0) for word in text.split()]
    return Excerpt(
        path=said.paths[row],
        label=said.classes[truth],
        predicted=said.classes[answer],
        probability=float(said.confidence[row]),
        pieces=excerpt(weighed),
    )


def _heavy(model: TextModel, dataset: Dataset) -> tuple[HeavyWords, ...]:
    counts = Counter(dataset.labels())
    shown = largest({name: counts[name] for name in dataset.classes})
    by_class = dict(zip(dataset.classes, heaviest(model, MOST_WORDS), strict=True))
    return tuple(HeavyWords(name, tuple(by_class[name])) for name in shown)
