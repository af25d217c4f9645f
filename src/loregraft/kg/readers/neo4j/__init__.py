"""Readers of what Neo4j exports, and of its server."""
