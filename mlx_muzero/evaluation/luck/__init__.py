"""Luck or skill: what results say once the number of attempts is counted (ADR 30)."""
