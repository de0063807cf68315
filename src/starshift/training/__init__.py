"""The one training loop, and the way from Keras to the compiled form."""
