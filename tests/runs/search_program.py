"""Run a program as if it had been started from a folder; what it imports first is loaded with this module."""

import os
import runpy
import sys

import optuna.storages.journal


def run_program(folder, *arguments):
    """In a process of its own, silently: ``python search.py ...`` within `folder`."""
    os.chdir(folder)
    sys.argv, sys.path[0] = list(arguments), str(folder)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stdout = sys.stderr = nowhere
        runpy.run_path(arguments[0], run_name="__main__")
