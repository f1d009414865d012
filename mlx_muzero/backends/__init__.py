"""Backends that compute a model for the search: encoder, evaluator and weights of each."""
