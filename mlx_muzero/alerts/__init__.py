"""Alerts: tells people who are not watching what their run needs, by the journal it writes.

    alert      what happened, what is done about it, and the command that answers
    table      which event of a journal becomes which alert
    tail       reads what a journal gained, each event once, across restarts
    message    alerts, grouped, for one place
    outbox     what waits for a place: when it is sent, tried again, given up
    kept       outboxes on disk, so that a restart neither forgets nor repeats
    channels   makes the places: web (forms), program, mail, macOS
    secrets    addresses and tokens, from the environment or a file that only its owner reads
    alerter    the thread that does all of this next to a run

The journal is the queue: a run is never kept waiting, and what could not be sent before a kill is
sent after it (ADR 32). docs/alerts.md states the rules.
"""
