"""Backtests, baselines, metrics and tests of policies on sessions: numbers, which apps draw."""
