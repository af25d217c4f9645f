"""The reader of a Wikidata dump."""
