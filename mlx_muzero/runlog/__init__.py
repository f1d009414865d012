"""A run as others see it: its folder, journal, decisions, and control socket.

    run_folder    what every folder of runs/ has   folder_kinds        which kind it is
    lock          the one process that holds it    folders             whole files and lines
    journal       what happened, a line each       decision_log        decisions with their trees
    control       commands to a running session    searched_decision   from a search to its record

Watchers import this package: it needs neither numpy nor MLX.
"""
