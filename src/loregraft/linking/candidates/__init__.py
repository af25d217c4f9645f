"""Candidates: which entities may a string mean, and how alike are it and their names?"""
