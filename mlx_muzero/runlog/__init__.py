"""What a run shows to other processes: its folder, journal, decisions and control socket.

run_folder    common to all folders in runs/   folder_kinds        what a folder holds
lock          held by one process              folders             atomic folders and lines
journal       events, one per line             decision_log        decisions with their trees
control       commands to a running session    searched_decision   from a search to its record

Watchers import this package, so it needs neither numpy nor MLX.
"""
