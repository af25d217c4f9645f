"""All of it from one file: a recipe, its stages, and the run that does them in order."""
