"""What a file must hold, and what becomes of it."""

import numpy as np
import pytest

from zoo_core.errors import UsageError, ZooError
from zoo_core.features.inception import weights
from zoo_core.features.inception.weights import _fault, fold, load


def test_a_whole_file_is_read(weights_file, state):
    loaded = load(weights_file)
    np.testing.assert_array_equal(loaded.logits, state["fc.weight"])
    assert len(loaded.convolutions) == 94
    assert len(loaded.sha256) == 64


def test_batch_normalization_is_folded_in():
    random = np.random.default_rng(0)
    parts = {"weight": 2.0, "bias": 0.5, "running_mean": 3.0, "running_var": 0.249}
    tensors = {f"a.bn.{part}": np.full(4, value, np.float32) for part, value in parts.items()}
    tensors["a.conv.weight"] = random.standard_normal((4, 3, 1, 1)).astype(np.float32)
    kernel, bias = fold(tensors)["a"]
    x = random.standard_normal(3)
    expected = 2 * (tensors["a.conv.weight"][:, :, 0, 0] @ x - 3) / np.sqrt(0.249 + 0.001) + 0.5
    np.testing.assert_allclose(kernel[:, :, 0, 0] @ x + bias, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        ("Mixed_5b.branch1x1.conv.weight", None, "'Mixed_5b.branch1x1.conv.weight' is missing"),
        ("fc.bias", np.zeros(1000, np.float32), r"'fc.bias' should be float32 (1008,), received float32 (1000,)"),
        ("fc.bias", np.zeros(1008), r"'fc.bias' should be float32 (1008,), received float64 (1008,)"),
        ("fc.bias", np.full(1008, np.nan, np.float32), "'fc.bias' should be finite"),
        (
            "Conv2d_1a_3x3.bn.running_var",
            np.full(32, -1, np.float32),
            "'Conv2d_1a_3x3.bn.running_var' should not be negative",
        ),
        ("AuxLogits.fc.bias", np.zeros(1000, np.float32), "'AuxLogits.fc.bias' is not a weight of this network"),
        ("Conv2d_1a_3x3.bn.num_batches_tracked", np.zeros((), np.int64), None),
    ],
)
def test_what_is_wrong_is_named(state, name, values, fault):
    changed = {key: value for key, value in (state | {name: values}).items() if value is not None}
    assert _fault(changed) == fault


def test_another_networks_file_is_refused(tmp_path, torch_file):
    path = tmp_path / "other.pth"
    path.write_bytes(torch_file({"conv1.weight": np.zeros((4, 3, 3, 3), np.float32)}))
    with pytest.raises(
        ZooError, match=r"other\.pth' does not hold .*: 'Conv2d_1a_3x3\.conv\.weight' is missing"
    ) as caught:
        load(path)
    assert "torchvision" in caught.value.hint


def test_a_missing_file_and_a_huge_one_are_told_apart(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="There is no weights file"):
        load(tmp_path / "missing.pth")
    monkeypatch.setattr(weights, "MAX_BYTES", 2**20)
    (tmp_path / "huge.pth").write_bytes(bytes(2**20 + 1))
    with pytest.raises(ZooError, match="1 MiB"):
        load(tmp_path / "huge.pth")
