"""A view → one HTML file that opens offline: no script, font or picture comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(view: Mapping[str, Any], template: str = "report.html") -> str:
    """The page for what `starshift.report.view.view` returned; it can always be written as UTF-8.

    template: "reproduction.html" for what `starshift.report.reproduction.view` returned.
    """
    return _environment().get_template(template).render(view)


@cache
def _environment() -> Environment:
    """File and class names come from strangers, so everything is escaped, whatever a template's ending."""
    return Environment(
        loader=PackageLoader("starshift.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
