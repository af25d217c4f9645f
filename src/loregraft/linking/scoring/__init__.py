"""Scoring: which of its candidates does a mention mean, if any? A sum of features, each times its weight."""
