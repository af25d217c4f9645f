"""How good are links? Pure functions over annotated mentions and what a system says of them.

`matching.py` pairs what was found with what is right, `scores.py` makes precision, recall and F1 of it,
`ranked.py` judges candidates of given mentions, `slices.py` tells where it goes wrong and `intervals.py` how
much of it is chance.
"""
