"""The public API behind `import mlx_muzero as mm`: functions with few arguments.

`mlx_muzero.__init__` lists them, and loads each when it is first used. They read no command line
and print nothing; important notes are Python warnings.
"""
