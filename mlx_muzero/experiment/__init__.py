"""From a preset and a bar store to a trained run and its judgement: what commands and notebooks do.

Joins the floors below: configurations to the symbols of a store, runs to their bars, windows of a
walk-forward to one report. Reads no command line and prints nothing: whoever calls is told.
"""
