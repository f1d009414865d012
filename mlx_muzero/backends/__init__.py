"""What computes a model for a search: its encoder, its evaluator and its weights."""
