"""Recipes: what is built and how it is trained, as values that are checked when they are made."""

from starshift.recipe.builders import AUTO, BUILDERS, HEADS, JOINING, KINDS, NORMS, TOP, VIEWS, check_builder
from starshift.recipe.recipe import ANY_SIZE, LARGEST_SIZE, Recipe, digest
from starshift.recipe.stage import (
    BALANCED,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    UNCERTAINTY,
    Stage,
    loss_weight_problems,
    suits,
)
from starshift.recipe.words import is_own, near

__all__ = [
    "ANY_SIZE",
    "AUTO",
    "BALANCED",
    "BUILDERS",
    "HEADS",
    "JOINING",
    "KINDS",
    "LARGEST_SIZE",
    "LOSSES",
    "METRICS",
    "NORMS",
    "OPTIMIZERS",
    "SCHEDULES",
    "TOP",
    "UNCERTAINTY",
    "VIEWS",
    "Recipe",
    "Stage",
    "check_builder",
    "digest",
    "is_own",
    "loss_weight_problems",
    "near",
    "suits",
]
