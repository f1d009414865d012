"""The phases of learning: their order, and for each who plays and what is validated."""
