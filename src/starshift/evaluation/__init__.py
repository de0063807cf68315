"""Figures with their intervals, comparisons with their verdicts."""
