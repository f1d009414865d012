"""Backtest of policies on sessions, metrics, baselines and their report."""
