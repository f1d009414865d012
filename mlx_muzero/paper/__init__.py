"""Paper trading: real markets, simulated fills, state that outlives its process.

    feeds      live bars as events          minute      bars -> minutes to decide on
    session    the state machine: a minute or a command in, a transaction out
      account  positions and money          fills       when and at what price an order is filled
      risk     limits and their reactions   mode        what may be traded now, and why
      batched_search  one search of all pairs, in time    observation  what the networks see
    store      transactions, durable first  engine      feed -> session -> store -> journal
      records  store and journal agree      commands    what the control socket is asked
    snapshot   one moment, while it trades  backup      a session in one file; origin: from where
    parity     the same session through the batch path; report its metrics

docs/paper.md states the rules.
"""
