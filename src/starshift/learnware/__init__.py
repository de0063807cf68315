"""Saved models that say what they are good for."""
