"""What is freed is not given back to the kernel, which would clear it anew in the next step."""

import platform
import subprocess
import sys

import pytest

ROUNDS = """
import ctypes, resource
import zoo_core

zoo_core.keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
for mebibytes in (100, 100, 2200, 2200):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(mebibytes << 20)
    ctypes.memset(block, 1, 100 << 20)
    libc.free(block)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""The faults of a step that touches 100 MiB, alone and in a large block."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is of glibc's malloc")
def test_memory_that_was_used_before_is_used_again_without_page_faults():
    done = subprocess.run([sys.executable, "-c", ROUNDS], capture_output=True, text=True, check=True)
    _, again, _, large_again = map(int, done.stdout.split())
    assert max(again, large_again) < 100
