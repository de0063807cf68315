"""What an opened model says of some of the examples, as answers that can be scored."""

from __future__ import annotations

from starshift.compose.opening import Answering, AnsweringAll
from starshift.compose.predictor import Predictor
from starshift.ladder.materials import Materials
from starshift.records import Answers


def predict_part(model: Answering, materials: Materials, indices: tuple[int, ...]) -> Answers:
    """What a model says of some of the examples."""
    if isinstance(model, Predictor):  # by the materials, which show the progress of decoding
        digests = [materials.dataset.examples[index].digest for index in indices]
        return materials.answers(indices, model.stored(digests, lambda frame: materials.pixels(frame, indices)))
    return materials.answers(indices, model.answer(materials.content, indices))


def predict_all(model: Answering, materials: Materials, indices: tuple[int, ...]) -> tuple[Answers, dict[str, Answers]]:
    """What a model says of some of the examples: of the leading target, and of the others by name."""
    targets = materials.dataset.targets
    if len(targets) == 1 or not isinstance(model, AnsweringAll):
        return predict_part(model, materials, indices), {}
    if isinstance(model, Predictor):  # as in `predict_part`
        digests = [materials.dataset.examples[index].digest for index in indices]
        outputs = model.stored_all(digests, lambda frame: materials.pixels(frame, indices))
    else:
        outputs = model.answer_all(materials.content, indices)
    answers = [materials.answers(indices, one, place) for place, one in enumerate(outputs)]
    return answers[0], {target.name: one for target, one in zip(targets[1:], answers[1:], strict=True)}
