"""The dead man's switch: another process that alarms when a paper session dies or falls silent.

    vigil      what to do at a look, by rules alone: no clock, no file, no process
    look       what is seen of a session: its process, its journal
    starts     how often a session was started again, bounded by the hour
    kept       what the watch remembers when it is restarted itself
    watcher    looks, alarms, starts the session again
    version    which version is installed now, and which boot of the machine this is
    service    the launchd agent and the systemd unit that keep the watch running

It loads neither MLX nor a store. docs/alerts.md states the rules.
"""
