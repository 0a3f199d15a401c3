"""refmodel: the executable specification of Linux compressed swap.

Each operation of the kernel (``zswap_store``, ``folio_alloc_swap``, ``shrink_memcg``, ...) is defined once,
as an explicit state machine of atomic steps, and every use runs that same definition: property tests, the
printed specification, and the validation of traces that were recorded on real kernels.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("refmodel")
except PackageNotFoundError:  # a source tree on the path that was never installed has no version
    __version__ = "0+source"
