"""What is known: a knowledge graph read from files, on disk and in memory."""
