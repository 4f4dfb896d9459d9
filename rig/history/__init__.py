"""What the nights before said: an index over run records, and what can be read from it.

The records are the truth. The index is made from them, and can be made again at any time.
"""
