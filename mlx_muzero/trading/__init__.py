"""The trading core shared by training, backtest and paper: positions, costs, rewards, ledger."""
