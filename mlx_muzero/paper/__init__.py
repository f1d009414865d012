"""Paper trading: real markets, simulated fills, and state that outlives the process.

    feeds      live bars as events          minute      groups bars into minutes to decide on
    session    the state machine: a minute or a command in, a transaction out
      account  positions and money          fills       when and at what price an order fills
      risk     limits and their reactions   mode        what may be traded now, and why
      batched_search  one search for all pairs, in time      observation  the networks' input
      offloading      leaves programs that are too slow
    store      transactions, durable first  store_errors  what it tells when it cannot be used
    engine     feed -> session -> store -> journal
    records    keeps store and journal in agreement
    commands   commands from the control socket
    snapshot   a consistent copy while the session trades
    backup     a session in one file        origin      where a restored session came from
    parity     the session replayed through the batch path
    report     the session's metrics

docs/paper.md states the rules.
"""
