"""Historic bugs, each a profile with one step replaced."""
