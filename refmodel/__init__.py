"""refmodel: the executable specification of Linux compressed swap.

Each operation of the kernel (``zswap_store``, ``folio_alloc_swap``, ``shrink_memcg``, ...) is defined once,
as an explicit state machine of atomic steps, and every use runs that same definition: property tests, the
printed specification, exploration of interleavings, and the validation of traces that were recorded on real
kernels.
"""


def __getattr__(name: str) -> str:
    """Return the version when it is asked for: looking it up costs more than most imports."""
    if name != "__version__":
        raise AttributeError(f"module 'refmodel' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("refmodel")
    except PackageNotFoundError:  # a source tree on the path that was never installed has no version
        return "0+source"
