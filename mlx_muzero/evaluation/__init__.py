"""Backtest of policies on sessions, baselines, metrics and tests: numbers, which apps draw."""
