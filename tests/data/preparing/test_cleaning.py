import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from zoo_core.data.preparing.cleaning import REASONS, SetAside, clean, strict_decoders
from zoo_core.data.preparing.rules import Rules


def photo(height: int = 24, width: int = 32, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), "uint8")
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def set_aside(content: bytes | np.ndarray, path: str = "a.png", **rules: object) -> tuple[str, str]:
    with strict_decoders(), pytest.raises(SetAside) as caught:
        clean(content, path, Rules(**rules))
    assert caught.value.reason in REASONS
    return caught.value.reason, caught.value.detail


def pixels(content: bytes | np.ndarray, path: str = "a.png", **rules: object) -> np.ndarray:
    with strict_decoders():
        return clean(content, path, Rules(**rules)).pixels


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
def test_a_file_that_ends_early_is_set_aside(format):
    content = encoded(photo(64, 64), format)
    assert set_aside(content[: len(content) // 2])[0] in ("truncated", "unreadable")
    assert set_aside(b"") == ("truncated", "it is empty")


@pytest.mark.parametrize("content", [b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"%PDF-1.7", bytes(1000)])
def test_what_is_no_image_whatever_its_name_says_is_set_aside(content):
    assert set_aside(content)[0] == "wrong type"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
@pytest.mark.parametrize("length", [2, 4, 8, 11, 30])
def test_a_file_that_ends_in_its_header_is_truncated(format, length):
    assert set_aside(encoded(photo(64, 64), format)[:length])[0] in ("truncated", "unreadable")


def test_a_format_that_differs_from_the_extension_is_no_reason_but_a_note():
    content = encoded(photo(), "JPEG")
    with strict_decoders():
        assert clean(content, "a.png", Rules()).note == "JPEG by its content"
        assert clean(content, "a.jpeg", Rules()).note == ""
        assert clean(content, "a.unknown", Rules()).note == ""


def test_of_an_animation_the_first_frame_counts():
    first, second = photo(), Image.new("RGB", (32, 24), "red")
    content = encoded(first, "WEBP", save_all=True, append_images=[second], lossless=True)
    with strict_decoders():
        cleaned = clean(content, "a.webp", Rules())
    assert np.array_equal(cleaned.pixels, np.asarray(first))
    assert cleaned.note == "first frame of several"


def test_a_decompression_bomb_is_set_aside_unopened(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert set_aside(encoded(photo()))[0] == "too large"


def test_images_are_turned_as_their_exif_data_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees, clockwise
    turned = pixels(encoded(photo(), "PNG", exif=exif))
    assert np.array_equal(turned, np.asarray(photo().transpose(Image.Transpose.ROTATE_270)))


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("CMYK", 3), ("RGB", 3)])
def test_every_mode_becomes_gray_or_rgb(mode, channels):
    image = photo(mode=mode)
    found = pixels(encoded(image, "TIFF"))
    assert found.shape == (24, 32, channels)
    assert np.array_equal(found.squeeze(), np.asarray(image.convert("L" if channels == 1 else "RGB")))


def test_transparency_goes_onto_white_and_sixteen_bits_lose_the_lower_eight():
    clear = photo(mode="RGBA")
    clear.putalpha(Image.fromarray(np.tile(np.uint8([0, 255]), (24, 16))))
    found = pixels(encoded(clear))
    assert (found[:, ::2] == 255).all()
    assert np.array_equal(found[:, 1::2], np.asarray(photo())[:, 1::2])
    deep = np.random.default_rng(0).integers(0, 65536, (24, 32), "uint16")
    assert np.array_equal(pixels(encoded(Image.fromarray(deep)))[..., 0], deep >> 8)
    assert np.array_equal(pixels(deep)[..., 0], deep >> 8)


def test_arrays_are_taken_as_files_are():
    rgb = np.asarray(photo())
    assert np.array_equal(pixels(rgb), rgb)
    assert np.array_equal(pixels(rgb[..., :1]), rgb[..., :1])
    assert np.array_equal(pixels(rgb[..., 0]), rgb[..., :1])


def test_small_images_are_set_aside_by_their_shortest_side():
    content = encoded(photo(16, 40))
    assert set_aside(content, size=(64, 64)) == ("too small", "16x40, below 32")
    assert set_aside(content, min_side=17) == ("too small", "16x40, below 17")
    assert pixels(content, size=(64, 64), min_side=16).shape == (64, 64, 3)
    assert set_aside(encoded(photo(7, 40)))[0] == "too small"


def test_blank_and_near_constant_images_are_set_aside():
    assert set_aside(np.full((20, 20), 7, np.uint8)) == ("blank", "all pixels are 7")
    speck = np.full((64, 64, 3), 100, np.uint8)
    speck[0, 0] = 110
    assert set_aside(speck)[0] == "near-constant"
    assert pixels(speck, min_deviation=0).shape == (64, 64, 3)
    dot = np.zeros((28, 28), np.uint8)
    dot[14, 14] = 255  # its standard deviation is 9
    assert pixels(dot).shape == (28, 28, 1)


def test_a_single_colour_is_blank_whatever_its_channels_are():
    colour = (200, 100, 50)
    assert set_aside(encoded(Image.new("RGB", (32, 32), colour))) == ("blank", "all pixels are 200, 100, 50")
    nearly = np.full((32, 32, 3), colour, np.uint8)
    nearly[0, 0] = 202, 101, 50
    assert set_aside(nearly)[0] == "near-constant"
    red = np.zeros((32, 32, 3), np.uint8)
    red[:16, :, 0] = 10  # one channel is enough
    assert np.array_equal(pixels(red, min_deviation=4), red)


def test_black_bars_do_not_make_a_blank_image_a_picture():
    for colour, reason in (("white", "blank"), ((200, 100, 50), "blank"), (None, "near-constant")):
        image = Image.new("RGB", (400, 100), colour or "white")
        if colour is None:
            image.putpixel((200, 50), (0, 0, 0))
        assert set_aside(encoded(image), size=(64, 64), fit="pad")[0] == reason
    assert set_aside(encoded(photo(1, 400)), size=(64, 64), fit="pad", min_side=1)[0] == "too small"


@given(st.integers(0, 2**32 - 1), st.floats(0, 127.5))
def test_the_deviation_is_numpys_of_the_channel_that_has_most(seed, least):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, rng.integers(2, 257), (9, 9, 3)).astype(np.uint8)
    image[0, 0] = 0, 255, 0
    deviation = image.std((0, 1)).max()
    if abs(deviation - least) < 1e-9:
        return
    if deviation < least:
        assert set_aside(image, min_deviation=least)[0] == "near-constant"
    else:
        assert np.array_equal(pixels(image, min_deviation=least), image)


@pytest.mark.parametrize("filter", ["lanczos", "box"])
def test_resizing_is_pillows(filter):
    image, resample = photo(40, 60), Image.Resampling[filter.upper()]
    content = encoded(image)
    crop = ImageOps.fit(image, (16, 16), resample)
    pad = ImageOps.pad(image, (16, 16), resample)
    stretched = image.resize((16, 16), resample)
    for fit, expected in {"crop": crop, "pad": pad, "stretch": stretched}.items():
        assert np.array_equal(pixels(content, size=(16, 16), fit=fit, filter=filter), np.asarray(expected)), fit


def test_colour_is_made_before_resizing():
    image = photo(40, 60)
    found = pixels(encoded(image), size=(20, 30), colour="gray")
    assert np.array_equal(found[..., 0], np.asarray(image.convert("L").resize((30, 20), Image.Resampling.LANCZOS)))
    assert pixels(np.asarray(photo(mode="L")), colour="rgb").shape == (24, 32, 3)


@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda tail: encoded(photo())[:60] + tail))
def test_whatever_the_bytes_are_there_is_an_image_or_a_reason(content):
    with strict_decoders():
        try:
            found = clean(content, "a.png", Rules()).pixels
        except SetAside as caught:
            found = caught.reason
    assert found in REASONS if isinstance(found, str) else found.dtype == np.uint8
