"""Rungs as values, and the climb over them."""
