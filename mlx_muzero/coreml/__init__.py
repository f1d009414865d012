"""The networks as Core ML programs: export, verification, and what runs them.

Only this package imports coremltools, and only when something of it is used.
"""
