"""The explorer: every interleaving and every choice of a bounded scope.

States are packed into integers, model code runs once per footprint, and whole levels of the search are sets.
Nothing in this package knows a kernel word.
"""
