"""Torch files come from strangers: whatever is wrong with one is a message, and nothing that it says is executed.

`legacy.pth` and `zip.pth` were made by torch 2.13.0:

    values = torch.arange(24, dtype=torch.float32) / 8
    state = torch.nn.BatchNorm2d(4).state_dict()
    state |= {"whole": values, "columns": values.view(4, 6).t(), "part": values[6:12]}
    state |= {"parameter": torch.nn.Parameter(values.view(2, 3, 4) * 2)}
    state |= {"double": values.double(), "half": values.half()}
    torch.save(state, "zip.pth")
    torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
"""

import io
import os
import pickle
import zipfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.errors import ZooError
from zoo_core.features.inception.torch_file import read_tensors
from zoo_core.features.inception.torch_pickle import Broken, Reader

LEGACY, ZIP = (Path(__file__).with_name(name).read_bytes() for name in ("legacy.pth", "zip.pth"))
VALUES = np.arange(24, dtype=np.float32) / 8
EXPECTED = {
    "weight": np.ones(4, np.float32),
    "bias": np.zeros(4, np.float32),
    "running_mean": np.zeros(4, np.float32),
    "running_var": np.ones(4, np.float32),
    "num_batches_tracked": np.zeros((), np.int64),
    "whole": VALUES,
    "columns": VALUES.reshape(4, 6).T,
    "part": VALUES[6:12],
    "parameter": 2 * VALUES.reshape(2, 3, 4),
    "double": VALUES.astype(np.float64),
    "half": VALUES.astype(np.float16),
}


@pytest.mark.parametrize("content", [LEGACY, ZIP], ids=["legacy", "zip"])
def test_what_torch_wrote_is_read(content):
    tensors = read_tensors(content, "file.pth")
    assert list(tensors) == list(EXPECTED)
    for name, expected in EXPECTED.items():
        assert tensors[name].dtype == expected.dtype
        np.testing.assert_array_equal(tensors[name], expected)


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def as_legacy(state: bytes, keys=(), storages=b"") -> bytes:
    """A legacy container around the pickle of a state dict."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    return b"".join(pickle.dumps(part, 2) for part in head) + state + pickle.dumps(list(keys), 2) + storages


def as_zip(members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refused(content: bytes, reason: str = ".") -> None:
    with pytest.raises(ZooError, match=reason) as caught:
        read_tensors(content, "file.pth")
    assert caught.value.message.startswith("'file.pth' is not a torch file of weights: ")
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("protocol", range(6))
def test_no_call_is_made(tmp_path, protocol):
    sign = tmp_path / "executed"
    for hostile in (
        Call(os.system, f"touch {sign}"),
        Call(eval, f"open({str(sign)!r}, 'w')"),
        Call(Path.touch, sign),
        {"weight": Call(os.mkdir, str(sign))},
    ):
        state = pickle.dumps(hostile, protocol)
        for content in (state, as_legacy(state), as_zip({"a/data.pkl": state})):
            refused(content)
    assert not sign.exists()


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (b"\x80\x02cos\nsystem\n.", "asks for 'os.system', which no state dict needs"),
        (b"\x80\x02c\x1b[2J\nsystem\n.", r"asks for '\\x1b\[2J\.system'"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls what is no function"),
        (b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.", "should start empty"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor should be a storage"),
        (b"\x80\x02ctorch._utils\n_rebuild_parameter\n)R.", "a parameter should hold a tensor"),
        (b"\x80\x02)Q.", "a storage should be a type"),
        (b"\x80\x02(i__main__\nA\n.", "no state dict needs"),
        (b"\x80\x02}K\x01K\x02s.", "set items of a dict by texts"),
        (b"\x80\x02}(K\x01u.", "set items of a dict by texts"),
        (b"\x80\x02)K\x01a.", "appends to what is no list"),
        (b"\x80\x02h\x07.", "refers to nothing"),
        (b"\x80\x02R.", "refers to nothing"),
        (b"\x80\x02.", "not one value"),
        (b"\x80\x02)(.", "not one value"),
        (b"\x80\x02).", "a dict of tensors and nothing else"),
        (b"\x80\x02}X\x01\x00\x00\x00aNs.", "a dict of tensors and nothing else"),
        (b"\x80\x02X\xff\xff\xff\xff.", "is cut short: expected at least [0-9,]+ bytes, received [0-9]+"),
        (b"\x80\x02" + b"}" * 2**20 + b".", "more than 1048576 bytes"),
        (b"\x80\x02" + b"c" * 1000, "a name at byte .* does not end"),
    ],
)
def test_pickles_of_anything_else_are_refused(state, reason):
    refused(as_legacy(state), reason)


def test_depth_that_ends_other_readers_is_harmless():
    refused(as_legacy(b"\x80\x02)" + b"\x85" * 200_000 + b"."), "a dict of tensors and nothing else")
    refused(as_legacy(b"\x80\x02})" + b"\x85" * 200_000 + b"Ns."), "by texts")


def tensor(piece, count=24, offset=0, size=(24,), strides=(1,), key="0", kind=b"Float") -> bytes:
    """The pickle of {"a": tensor}."""
    storage = b"(" + piece("storage") + b"ctorch\n" + kind + b"Storage\n" + piece(key, "cpu", count) + b"tQ"
    arguments = b"(" + storage + piece(offset, size, strides, False, {}) + b"t"
    return b"\x80\x02}" + piece("a") + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."


STORAGE = (24).to_bytes(8, "little") + VALUES.tobytes()


def test_tensors_within_their_storage_are_read(piece):
    content = as_legacy(tensor(piece, offset=5, size=(3, 2), strides=(7, 2)), ["0"], STORAGE)
    expected = VALUES[5 + 7 * np.arange(3)[:, None] + 2 * np.arange(2)]
    np.testing.assert_array_equal(read_tensors(content, "file.pth")["a"], expected)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": (25,)}, "'a' reaches beyond its storage"),
        ({"offset": 1}, "'a' reaches beyond its storage"),
        ({"offset": -1}, "'a' reaches beyond its storage"),
        ({"size": (2**40,), "strides": (0,)}, "'a' reaches beyond its storage"),
        ({"size": (2, 2), "strides": (2**62, 1)}, "'a' reaches beyond its storage"),
        ({"strides": (-1,)}, "no proper size and strides"),
        ({"size": (0,)}, "no proper size and strides"),
        ({"size": (24, 1)}, "no proper size and strides"),
        ({"size": (1,) * 9, "strides": (1,) * 9}, "no proper size and strides"),
        ({"size": ("24",)}, "a tensor should be"),
        ({"count": 25}, "storage '0' should have 25 values, received 24"),
        ({"count": -1}, "less than no values"),
        ({"key": "1"}, "not those of its tensors"),
        ({"key": 0}, "a storage should be a type"),
        ({"kind": b"Untyped"}, "asks for 'torch.UntypedStorage'"),
        ({"kind": b"Double"}, "is cut short"),
        ({"kind": b"Half"}, "48 bytes follow"),
    ],
)
def test_tensors_beyond_their_storage_are_refused(piece, changes, reason):
    refused(as_legacy(tensor(piece, **changes), ["0"], STORAGE), reason)


def test_a_stride_that_is_not_used_may_be_anything(piece):
    content = as_legacy(tensor(piece, size=(1, 24), strides=(10**30, 1)), ["0"], STORAGE)
    np.testing.assert_array_equal(read_tensors(content, "file.pth")["a"], VALUES[None])


def test_archives_are_read_as_they_should_be(piece):
    members = {"a/data.pkl": tensor(piece), "a/data/0": VALUES.tobytes(), "a/byteorder": b"little"}
    np.testing.assert_array_equal(read_tensors(as_zip(members), "file.pth")["a"], VALUES)
    refused(as_zip(members | {"b/data.pkl": b""}), "one data.pkl, received 2")
    refused(as_zip(members | {"a/byteorder": b"bigger"}), "should be little-endian")
    refused(as_zip(members | {"a/data/0": b""}), "'data/0' should have 96 bytes")
    refused(as_zip({"a/data.pkl": tensor(piece)}), "'data/0' is missing")
    refused(as_zip(members, zipfile.ZIP_DEFLATED), "uncompressed")
    refused(as_zip(members | {"a/data.pkl": tensor(piece, count=2**40)}), "larger than the file")
    refused(as_zip({f"{i}": b"" for i in range(10_001)}), "more than 10000 members")


@pytest.mark.parametrize("content", [LEGACY, ZIP], ids=["legacy", "zip"])
@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(content, share):
    refused(content[: int(share * len(content))])


def test_what_is_no_torch_file_at_all_is_told_from_one_that_is_cut_short():
    refused(b"", "it is empty")
    refused(b"some notes\n", "it starts as neither of torch's containers does")
    refused(ZIP[:-1000], f"it is cut short: its zip archive should go on after {len(ZIP) - 1000:,} bytes")
    received = len(LEGACY) - 10
    refused(LEGACY[:received], f"it is cut short: expected at least {len(LEGACY):,} bytes, received {received:,}")


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    def alter(changes: dict[int, int]) -> bytes:
        altered = bytearray(content)
        for place, byte in changes.items():
            altered[place] = byte
        return bytes(altered)

    places = st.integers(0, len(content) - 1)
    changes = st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)
    return places.map(lambda end: content[:end]) | changes.map(alter)


@given(content=damaged(LEGACY) | damaged(ZIP))
@settings(deadline=timedelta(seconds=5), max_examples=400)
def test_a_damaged_file_is_refused_or_read_never_worse(content):
    try:
        tensors = read_tensors(content, "damaged.pth")
    except ZooError:
        return
    for values in tensors.values():
        assert values.nbytes <= len(content)
        values.sum()


OPCODES = b"\x80\x02 N \x88 \x89 J K M \x8a X ) ] } \x85 \x86 \x87 ( t a e s u q r h j c R b Q .".split()


@given(parts=st.lists(st.sampled_from(OPCODES) | st.binary(max_size=4), max_size=40))
@settings(deadline=timedelta(seconds=5), max_examples=400)
def test_any_row_of_opcodes_is_a_value_or_broken(parts):
    with suppress(Broken):
        Reader(b"\x80\x02" + b"".join(parts) + b".").unpickle()
