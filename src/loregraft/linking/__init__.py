"""Text meets knowledge: which entity may a string mean, and which does it mean here?"""
