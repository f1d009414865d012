"""Rivals that learn from bars without a world model: a planner has to beat them to be worth it.

Each is fitted on the training split and chosen on the validation split, in seconds.
"""
