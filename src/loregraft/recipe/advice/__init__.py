"""Advice: what a graph and its texts are good for, before anything is trained."""
