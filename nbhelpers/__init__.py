"""Helpers of the course: import what you need from its modules, for example ``nbhelpers.data``."""

import os

# Keras reads this when it is imported, and then asks no keras.json that a reader may have for other projects.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
