"""How much may be done at once."""

import os


def count_cores() -> int:
    """The cores that this process may use, or all where the system can't tell, as on macOS."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
