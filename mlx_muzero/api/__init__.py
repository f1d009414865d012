"""What `import mlx_muzero as mm` gives: functions of few arguments over the floors below.

`mlx_muzero.__init__` names them, and loads each when it is first used. They read no command line
and print nothing; what a user should know without having asked is a Python warning.
"""
