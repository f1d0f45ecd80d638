import tracemalloc

import numpy as np
import pytest

from zoo_core.evaluation.spool import spool


def test_parts_come_back_as_one():
    parts = [np.arange(12, dtype=np.float32).reshape(2, 3, 2) + 100 * n for n in range(3)]
    whole = spool(iter([parts[0], np.asfortranarray(parts[1]), parts[2][:1]]))
    assert whole.dtype == np.float32
    assert np.array_equal(whole, np.concatenate([*parts[:2], parts[2][:1]]))
    assert not whole.flags.writeable


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        spool([])


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    whole = spool([np.ones(1000)])
    assert list(tmp_path.iterdir()) == []
    assert whole.sum() == 1000


def test_memory_stays_small():
    tracemalloc.start()
    try:
        whole = spool(np.full(100_000, n) for n in range(50))  # 40 MB
        assert whole.shape == (5_000_000,)
        assert tracemalloc.get_traced_memory()[1] < 3e6
    finally:
        tracemalloc.stop()
