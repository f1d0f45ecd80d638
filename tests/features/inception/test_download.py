"""The published weights are fetched once, and only they are kept."""

import hashlib
import io
import urllib.error
import urllib.request

import platformdirs
import pytest

from zoo_core.errors import ZooError
from zoo_core.features.inception import download

CONTENT = b"weights"

pytestmark = pytest.mark.filterwarnings("ignore:Downloading the Inception weights")


@pytest.fixture
def network(tmp_path, monkeypatch):
    """`network[url]` is what each address sends, and `network["asked"]` which were asked."""
    sent = {"asked": []}

    def urlopen(url, timeout):
        assert timeout > 0
        sent["asked"].append(url)
        if url not in sent:
            raise urllib.error.URLError("Name or service not known")
        return io.BytesIO(sent[url])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(download, "SIZE", len(CONTENT))
    monkeypatch.setattr(download, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    return sent


def test_the_file_is_fetched_once(network, tmp_path):
    network[download.URLS[0]] = CONTENT
    path = download.published_weights()
    assert path == tmp_path / "cache" / "zoo" / "weights" / "pt_inception-2015-12-05-6726825d.pth"
    assert path.read_bytes() == CONTENT
    assert download.published_weights() == path
    assert network["asked"] == [download.URLS[0]]


def test_where_one_address_fails_the_other_is_asked(network):
    network[download.URLS[0]] = b"a page that says: log in"
    network[download.URLS[1]] = CONTENT
    assert download.published_weights().read_bytes() == CONTENT
    assert network["asked"] == list(download.URLS)


def test_a_damaged_copy_is_replaced(network):
    network[download.URLS[0]] = CONTENT
    download.published_weights().write_bytes(b"damaged")
    assert download.published_weights().read_bytes() == CONTENT


def test_anything_else_is_not_kept(network, tmp_path):
    network[download.URLS[0]] = b"weighty"
    network[download.URLS[1]] = CONTENT + b" and more"
    with pytest.raises(ZooError, match=r"expected SHA-256 .*, received .* in 8 bytes"):
        download.published_weights()
    assert not list(tmp_path.rglob("*.pth"))


def test_without_a_network_the_hint_says_what_to_do(network):
    with pytest.raises(ZooError, match="Name or service not known") as caught:
        download.published_weights()
    assert "https://github.com/" in caught.value.message
    assert "--weights FILE" in caught.value.hint


def test_the_pin_is_that_of_the_addresses():
    assert all(url.startswith("https://") and download.SHA256[:8] in url for url in download.URLS)
