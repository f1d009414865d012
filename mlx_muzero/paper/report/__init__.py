"""Results of a paper session, compared with baselines and with its batch replay."""
