"""The networks as Core ML programs: export, verification, and the engines that run them.

Only this package imports coremltools, and only when it is needed.
"""
