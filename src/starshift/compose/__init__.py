"""Pieces of the floors below put together: bases with their compiled form, models with their weights."""
