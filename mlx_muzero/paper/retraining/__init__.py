"""Trains candidates while a session trades, and lets a better one take over (ADR 35)."""
