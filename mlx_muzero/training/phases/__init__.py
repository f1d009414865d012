"""The phases of learning: their order, and who plays and what is validated in each."""
