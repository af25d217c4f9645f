"""Vectors on their way to other tools and back: one file per format, functions that write or read it."""
