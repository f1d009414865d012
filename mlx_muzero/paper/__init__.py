"""Paper trading: real markets, simulated fills. So far, the feeds it will trade on."""
