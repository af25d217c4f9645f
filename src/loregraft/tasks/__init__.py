"""Use it: tasks that a model is trained for and measured by."""
