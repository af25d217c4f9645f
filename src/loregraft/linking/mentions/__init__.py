"""Mentions: where in a text a name may stand, in its own words, in others or abbreviated."""
