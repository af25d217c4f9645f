"""Objectives: what the weights are trained by. One file is one objective of the literature.

Each draws its items by a seed and a step alone and gives a loss in nats; `objective.py` is the contract.
"""
