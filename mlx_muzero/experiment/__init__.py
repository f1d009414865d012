"""From a preset and a bar store to a trained run and its evaluation, for commands and notebooks.

Joins the lower packages: configurations with the symbols of a store, runs with their bars, and
windows of a walk-forward into one report. Reads no command line and prints nothing: callers receive
texts through functions they pass.
"""
