"""What an agent observes of the market: features, context, timeframes, outcomes."""
