"""One trading core for training, backtest and paper: positions, costs, rewards, ledger."""
