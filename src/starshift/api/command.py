"""The command line that makes a request."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from starshift.api.options import DEFAULT_BUDGET_SECONDS, Request
from starshift.evaluation import resampling
from starshift.ladder.families import whole
from starshift.ladder.rungs import Rung
from starshift.learnware.store.places import without_password


def as_command(request: Request) -> str:
    """The command line that makes the same request, with every option that is not the default's."""
    labels, options = request.labels, request.options
    named = {
        "--labels": labels and labels.path,
        "--file-column": labels and labels.file_column,
        "--pattern": request.pattern and request.pattern.text,
        "--rungs": _names(request.rungs)
        if _names(request.rungs) != _names(whole(request.family, store=bool(request.store)))
        else None,
        "--size": options.size,
        "--augment": options.augment,
        "--head": options.head,
        "--loss-weights": _weights_in_words(options.loss_weights),
        "--base": "+".join(options.bases) or None,
        "--budget": f"{request.budget_seconds:g}s" if request.budget_seconds != DEFAULT_BUDGET_SECONDS else None,
        "--seed": request.seed or None,
        "--out": request.out if request.out_given else None,
        "--protocol": request.protocol if request.protocol != resampling.AUTO else None,
        "--group-by": request.group_by,
        "--order-by": request.order_by,
        "--slice-by": request.slice_by,
        "--student": options.student,
        "--unlabelled": request.unlabelled,
        "--store": without_password(request.store) or None,
        "--overlay": request.overlay,
        "--family": request.family if request.family_given else None,
        "--min-per-class": request.min_per_class if request.min_per_class != 2 else None,
    }
    words = [word for one in request.targets for word in ("--target", str(one))]
    words += [word for name, value in named.items() if value is not None for word in (name, str(value))]
    flags = {
        "--allow-leaks": request.allow_leaks,
        "--retrain-on-all": request.retrain_on_all,
        "--merge-stages": options.merge_stages,
        "--open-test-again": request.open_test_again,
    }
    set_flags = [name for name, is_set in flags.items() if is_set]
    command = shlex.join(["starshift", "fit", str(request.source), *words, *set_flags])
    own = [f"{rung.name} ({', '.join(part.reference for part in rung.parts)})" for rung in request.rungs if rung.parts]
    return f"{command}  # and from Python: {'; '.join(own)}" if own else command


def _names(rungs: Sequence[Rung]) -> str:
    """As `--rungs` takes them; the baseline goes without saying unless it is alone."""
    return ",".join(rung.name for rung in rungs if rung.name != "baseline" and not rung.parts) or "baseline"


def _weights_in_words(weights: tuple[float, ...] | str | None) -> str | None:
    """As `parse_loss_weights` reads them."""
    return ",".join(f"{weight:g}" for weight in weights) if isinstance(weights, tuple) else weights
