"""The file of quantized latents: what goes in comes out, and nothing else is taken."""

import math
import struct
import tracemalloc
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.errors import UsageError, ZooError
from zoo_core.operations import latent_file
from zoo_core.operations.latent_file import Latents, header_size, pack, unpack

RUN = bytes(range(8))
SHAPES = st.sampled_from([(), (1,), (5,), (2, 3, 4)])


def latents(shape: tuple[int, ...], count: int = 3, spread: float = 2.0, seed: int = 0) -> Latents:
    rng = np.random.default_rng(seed)
    return Latents(RUN, np.float32(0.3), np.rint(spread * rng.normal(size=(count, *shape)) + 1).astype(np.int32))


def sealed(content: bytes) -> bytes:
    """The content with the checksum that belongs to it: what someone hostile would send."""
    return content[:-4] + zlib.crc32(content[:-4]).to_bytes(4, "little")


@settings(max_examples=30)
@given(
    shape=SHAPES, count=st.integers(1, 40), spread=st.sampled_from([0.0, 0.1, 1.0, 30.0, 200.0]), seed=st.integers(0, 9)
)
def test_what_goes_in_comes_out(shape: tuple[int, ...], count: int, spread: float, seed: int):
    before = latents(shape, count, spread, seed)
    content = pack(before)
    after = unpack(content, RUN, shape)
    np.testing.assert_array_equal(after.values, before.values)
    assert (after.step, after.run) == (before.step, RUN)
    assert pack(before) == content
    assert header_size(content) <= len(content)


def test_channels_far_from_each_other():
    values = latents((2,), 50).values + np.array([0, 10_000], np.int32)
    np.testing.assert_array_equal(unpack(pack(Latents(RUN, np.float32(1), values)), RUN, (2,)).values, values)


def test_it_takes_hardly_more_than_the_entropy():
    values = latents((16,), 2000).values
    content = pack(Latents(RUN, np.float32(1), values))
    entropy = 0.0
    for channel in values.T:
        counts = np.unique(channel, return_counts=True)[1]
        entropy -= (counts * np.log2(counts / counts.sum())).sum() / 8
    assert entropy < len(content) < 1.01 * entropy + header_size(content)


def test_few_images_share_one_gaussian_and_many_have_one_for_each_channel():
    spreads = np.array([0.2, 1, 5, 20])
    values = np.rint(np.random.default_rng(0).normal(size=(500, 4)) * spreads).astype(np.int32)
    few, many = (header_size(pack(Latents(RUN, np.float32(1), some))) for some in (values[:2], values))
    assert many - few == 3 * 3


def test_the_tables_are_whole_numbers_that_never_change():
    """A file that was written yesterday has to be read tomorrow."""
    content = pack(Latents(RUN, np.float32(0.5), np.array([[0, -1, 3], [1, 1, 0]], np.int32)))
    assert content.hex() == "5a4f4f4c01000102030405060702000000003f020051562c2d0100010300010049504c0d2f840668a6"
    weights = latent_file._weights(40, 3)
    assert (weights == np.rint(weights)).all()
    expected = [1 + 2**20 * math.exp(-(k**2) * math.exp(4 - 40 / 12)) for k in (-3, -2, -1, 0, 1, 2, 3)]
    np.testing.assert_allclose(weights, expected, atol=1)


@given(data=st.data())
def test_any_damage_is_told(data: st.DataObject):
    content = pack(latents((5,), 20))
    if data.draw(st.booleans()):
        damaged = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        flipped = content[place] ^ data.draw(st.integers(1, 255))
        damaged = content[:place] + bytes([flipped]) + content[place + 1 :]
    with pytest.raises(ZooError):
        unpack(damaged, RUN, (5,))


@given(data=st.data())
def test_whoever_seals_a_damaged_file_gets_no_further(data: st.DataObject):
    content = bytearray(pack(latents((5,), 20)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 5))] = data.draw(st.integers(0, 255))
    with suppress(ZooError):
        unpack(sealed(bytes(content)), RUN, (5,))


@given(content=st.binary(max_size=80))
def test_any_bytes_are_refused(content: bytes):
    with pytest.raises(ZooError):
        unpack(b"ZOOL\x01" + content, RUN, (5,))


def test_a_small_file_that_claims_to_be_large_is_refused_before_anything_is_made():
    content = bytearray(pack(latents((300,), 20)))
    struct.pack_into("<H", content, 13, 65535)  # the count
    tracemalloc.start()
    with pytest.raises(ZooError, match="its counts are out of bounds"):
        unpack(sealed(bytes(content)), RUN, (300,))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_latents_that_a_coder_gives_otherwise_are_noticed():
    """As if another version of constriction decoded the same words to other values."""
    content = bytearray(pack(latents((5,), 20)))
    content[21:25] = b"\0" * 4  # the checksum of the latents
    with pytest.raises(ZooError, match="the latents that it gives are not those that went in"):
        unpack(sealed(bytes(content)), RUN, (5,))


def test_another_run_another_shape_another_version():
    content = pack(latents((5,)))
    with pytest.raises(UsageError, match="compressed by another run, 0001020304050607; this one is 3131313131313131"):
        unpack(content, b"1" * 8, (5,))
    with pytest.raises(ZooError, match="its lengths do not fit"):
        unpack(content, RUN, (6,))
    with pytest.raises(ZooError, match="reads version 1 of the format, received 2"):
        unpack(sealed(content[:4] + b"\x02" + content[5:]), RUN, (5,))


def test_what_no_file_can_hold():
    with pytest.raises(UsageError, match="at most 65,535 images and 16,777,216 latents, received 65,536 and 65,536"):
        pack(Latents(RUN, np.float32(1), np.zeros((65536, 1), np.int32)))
    with pytest.raises(UsageError, match=r"axes of at most 65,535, received \(65536, 1\) for each image"):
        pack(Latents(RUN, np.float32(1), np.zeros((1, 65536, 1), np.int32)))
    with pytest.raises(UsageError, match="larger --step"):
        pack(Latents(RUN, np.float32(1), np.array([[0], [10000]], np.int32)))
