"""The model: one module per kernel area, named as the kernel names it."""
