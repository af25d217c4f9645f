"""Readers of RDF, from files and from servers."""
