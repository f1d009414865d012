"""The terminal application: watches runs through their journals, commands through their sockets."""
