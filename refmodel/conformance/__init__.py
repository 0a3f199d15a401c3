"""The boundary to other implementations: recorded traces, test vectors and adapters."""
