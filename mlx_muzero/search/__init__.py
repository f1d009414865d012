"""Stochastic tree search over arrays: the C++ core's Python face and its evaluators."""
