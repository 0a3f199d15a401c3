"""Large levels of states, kept and expanded with arrays; needs NumPy (the extra ``speed``)."""
