"""What an agent sees of the market: features, context, timeframes, outcomes."""
