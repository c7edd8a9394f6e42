"""Helpers of the course: import what you need from its modules, for example ``nbhelpers.data``."""

__version__ = "0.1.0"
