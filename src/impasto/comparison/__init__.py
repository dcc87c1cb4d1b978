"""Several methods on the same pictures: what they make of them, how long it takes, and how much memory.

The table is imported without PyTorch, so that a door can check what was asked for before there is work to do.
"""
