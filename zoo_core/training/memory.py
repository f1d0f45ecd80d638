"""Memory that a training step frees is kept for the next one."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8  # of glibc's malloc.h
MADV_HUGEPAGE = 14
HUGE_PAGE = 2 << 20
HEAP = 2 << 30
NEVER = -1  # a threshold below the heap's size would give it back as soon as it is freed below


def keep_freed_memory() -> None:
    """Make glibc keep what is freed, and keep it in huge pages; elsewhere nothing is done.

    A step on a CPU takes some 100 MB for its intermediate results and gives them back; by default the kernel then maps
    and clears them anew, page by page, in every step. `benchmarks/training/run.py` measures with and without.
    Commands and the processes of comparisons do so. A program of your own chooses for itself, before it trains, since
    it holds for the whole process.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, 64 << 20), (M_ARENA_MAX, 1)):
        libc.mallopt(option, value)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes, libc.madvise.argtypes = [ctypes.c_void_p], [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    # The heap grows to its full size once, untouched, so that the advice holds for all of it.
    if start := libc.malloc(HEAP):
        libc.madvise(-(-start // HUGE_PAGE) * HUGE_PAGE, HEAP - HUGE_PAGE, MADV_HUGEPAGE)
        libc.free(start)
