"""A real Linux kernel in a virtual machine as the implementation under test."""
