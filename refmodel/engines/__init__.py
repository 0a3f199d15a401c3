"""Engines: the ways to run operations, one engine a module. No engine knows a word of the kernel."""
