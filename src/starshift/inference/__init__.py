"""Frozen networks run on OpenVINO, without Keras."""
