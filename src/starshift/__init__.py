"""Starshift: deep learning for small datasets, honest about what each trick buys.

This module only lists the public names and loads each on its first use, so that importing it costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starshift.api.check import check as check
    from starshift.api.explain import explain as explain
    from starshift.api.export import export as export
    from starshift.api.fit import fit as fit
    from starshift.api.forecast import forecast as forecast
    from starshift.api.predict import predict as predict
    from starshift.api.predict_rows import predict_rows as predict_rows
    from starshift.api.pretrain import pretrain as pretrain
    from starshift.api.reproduce import reproduce as reproduce
    from starshift.api.reuse import reuse as reuse
    from starshift.api.reuse import search as search
    from starshift.api.review import review as review
    from starshift.api.run import Run as Run
    from starshift.api.store import Store as Store
    from starshift.api.summary import summary as summary
    from starshift.ladder.own import OwnRung as OwnRung
    from starshift.recipe import Stage as Stage

__version__ = "0.1.0"

_PUBLIC = {
    "check": "starshift.api.check",
    "export": "starshift.api.export",
    "fit": "starshift.api.fit",
    "explain": "starshift.api.explain",
    "predict": "starshift.api.predict",
    "predict_rows": "starshift.api.predict_rows",
    "forecast": "starshift.api.forecast",
    "Run": "starshift.api.run",
    "pretrain": "starshift.api.pretrain",
    "reproduce": "starshift.api.reproduce",
    "reuse": "starshift.api.reuse",
    "review": "starshift.api.review",
    "search": "starshift.api.reuse",
    "summary": "starshift.api.summary",
    "Store": "starshift.api.store",
    "OwnRung": "starshift.ladder.own",
    "Stage": "starshift.recipe",
}

__all__ = [
    "OwnRung",
    "Run",
    "Stage",
    "Store",
    "__version__",
    "check",
    "explain",
    "export",
    "fit",
    "forecast",
    "predict",
    "predict_rows",
    "pretrain",
    "reproduce",
    "reuse",
    "review",
    "search",
    "summary",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'starshift' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
