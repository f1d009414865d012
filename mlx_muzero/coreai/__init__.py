"""The networks as a Core AI asset: export, Apple's runtime, and reading saved assets back.

Core AI is Apple's successor to Core ML, from macOS 27 on. Its Python package also runs assets on
Linux, on the CPU. Only this package imports coreai, and only when it is needed.
"""
