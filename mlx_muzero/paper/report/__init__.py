"""What a paper session came to, beside its baselines and its batch replay."""
