"""Pretrained bases as plain data: what each is, where its weights come from, and what it was trained on."""

from starshift.catalogue.find import BASES, OWN_FILE, OWN_WEIGHTS, base, cut_problems, parse
from starshift.catalogue.row import Base, Preprocessing, Transformer

__all__ = [
    "BASES",
    "OWN_FILE",
    "OWN_WEIGHTS",
    "Base",
    "Preprocessing",
    "Transformer",
    "base",
    "cut_problems",
    "parse",
]
