"""Rows of triples and of entities, whatever file they come from."""
