import os

from zoo_core.cores import count_cores


def test_cores_are_counted_also_where_the_system_does_not_tell_which_are_ours(monkeypatch):
    assert count_cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert count_cores() == os.cpu_count()
