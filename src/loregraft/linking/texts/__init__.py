"""Texts that are linked as they come, and their links as they go: files in, files and pages out."""
