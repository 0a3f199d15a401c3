"""Engines: the ways to run operations, one a module.

What they know of compressed swap stands in ``commands``, ``contents``, ``background``, ``promise`` and ``setting``,
and in ``violation``, which names the errors of steps; walks, minimiser, replays and checks are about runs as such.
"""
