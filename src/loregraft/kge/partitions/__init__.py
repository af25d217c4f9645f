"""Vectors larger than memory: the entities in partitions on disk, a few of them held at a time."""
