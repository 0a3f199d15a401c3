"""Engines: the ways to run operations, one a module.

``commands``, ``contents``, ``background`` and ``promise`` say what the outside world asks of compressed swap and
may expect of it; every other engine works with any such catalogue and knows no word of the kernel.
"""
