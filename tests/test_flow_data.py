"""Data sets: what is read is what the files say; what is wrong is said in one sentence."""

import gzip
import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.data import idx as flow_idx
from spikeline.flow.data.data import Data, guess, load
from spikeline.model.errors import InputError

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
X = np.arange(24, dtype=np.uint8).reshape(3, 2, 4) * 10
Y = np.array([2, 0, 1], np.uint8)
# What makes the places of a server the mirrors of MNIST; what was asked for there.
Mirror = tuple[Callable[..., list[str]], list[str]]


def idx(array: np.ndarray) -> bytes:
    """Make an IDX file of unsigned bytes."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def fill(
    folder: Path, names: tuple[str, str] = TRAIN, packed: bool = False, dotted: bool = False
) -> Path:
    """Write a small data set; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (X, Y), strict=True):
        content = idx(array)
        name = name.replace("-idx", ".idx") if dotted else name
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def refusal(*arguments: object) -> str:
    """Load what must be refused; returns the sentence."""
    with pytest.raises(InputError) as error:
        load(*arguments)  # type: ignore[arg-type]
    return str(error.value)


def same(data: Data) -> bool:
    """Whether these are the samples of `fill`."""
    return np.array_equal(data.x, X.reshape(3, 8)) and np.array_equal(data.y, Y)


@pytest.fixture(autouse=True)
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the user's own folder."""
    monkeypatch.delenv("SPIKELINE_DATA", raising=False)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("dotted", [False, True], ids=["dash", "dot"])
@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw", "mnist/MNIST/raw"])
def test_idx_files_are_read(tmp_path: Path, packed: bool, dotted: bool, below: str) -> None:
    """IDX files give their pixels and labels, plain or packed, whatever their names are spelled
    like, in the folder, below it, or where torchvision keeps them."""
    fill(tmp_path / below, packed=packed, dotted=dotted)
    data = load("mnist", "train", tmp_path)
    assert same(data) and data.name == "own"
    assert data.x.dtype == np.uint8 and data.y.dtype == np.int64


def test_folder_of_torchvision_is_read_by_name(tmp_path: Path) -> None:
    """Both data sets may lie below one root, and each is found by its own name."""
    fill(tmp_path / "FashionMNIST" / "raw")
    assert refusal("mnist", "train", tmp_path).startswith(f"Data folder {tmp_path} must hold")
    assert guess("train", tmp_path) == "fashion-mnist"
    raw = fill(tmp_path / "MNIST" / "raw")
    (raw / TRAIN[1]).write_bytes(idx(Y[::-1]))
    assert same(load("fashion-mnist", "train", tmp_path))
    assert np.array_equal(load("mnist", "train", tmp_path).y, Y[::-1])
    assert guess("train", tmp_path) is None and guess("valid", tmp_path) is None


def keras(folder: Path, **arrays: np.ndarray) -> Path:
    """Write mnist.npz as Keras has it, with changes; returns its path."""
    whole = {"x_train": X[::-1], "y_train": Y[::-1], "x_test": X, "y_test": Y}
    np.savez(folder / "mnist.npz", **(whole | arrays))  # type: ignore[arg-type]
    return folder / "mnist.npz"


def test_file_of_keras_is_read(tmp_path: Path) -> None:
    """mnist.npz gives each split, in the folder or below it, and says whose it is by its name."""
    keras(tmp_path)
    assert same(load("mnist", "test", tmp_path)) and guess("test", tmp_path) == "mnist"
    assert np.array_equal(load("mnist", "train", tmp_path).y, Y[::-1])
    assert refusal("fashion-mnist", "test", tmp_path) == (
        f"Data folder {tmp_path} must hold {TEST[0]} and {TEST[1]}, plain or .gz"
    )
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist.npz").rename(tmp_path / "mnist" / "mnist.npz")
    assert same(load("mnist", "test", tmp_path))


def test_file_of_keras_is_checked(tmp_path: Path, clothes: None) -> None:
    """Clothes in mnist.npz, and what is no image or no label, are refused."""
    path = keras(tmp_path)
    assert refusal("mnist", "test", tmp_path) == (
        f"{path} must be a file of mnist, not of fashion-mnist"
    )
    keras(tmp_path, x_test=X + 1, y_test=Y[:2])
    told = f"{path}: y_test must hold 3 labels, one per sample, not 2"
    assert refusal("mnist", "test", tmp_path) == told
    keras(tmp_path, x_test=X + 1, y_test=np.ones((3, 1)))
    told = f"{path}: y_test must be labels, integers of shape (samples,)"
    assert refusal("mnist", "test", tmp_path) == told


def test_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder, SPIKELINE_DATA names it."""
    fill(tmp_path / "fashion-mnist", TEST)
    monkeypatch.setenv("SPIKELINE_DATA", str(tmp_path))
    assert same(load("fashion-mnist", "test"))


def test_digits_are_split_for_good() -> None:
    """A third of every class is the test split; the splits overlap nowhere."""
    train, test = load("digits", "train"), load("digits", "test")
    assert train.x.shape == (1201, 64) and test.x.shape == (596, 64)
    assert train.x.max() == 255 and set(np.unique(train.x)) == {p * 255 // 16 for p in range(17)}
    assert all(58 <= n <= 61 for n in np.bincount(test.y))
    digest = hashlib.sha256(test.x.tobytes() + test.y.tobytes()).hexdigest()
    assert digest == "08048e6f4ce9d0b847d851b6b506af5e6b6b6a9aadc7691af3eedb9b0d637856"


def test_own_samples_are_read(tmp_path: Path) -> None:
    """A folder with train.npz is read as it is, whatever the name, for a network of pixels."""
    np.savez(tmp_path / "train.npz", x=X, y=Y.astype(np.int32))
    inputs = X[0].size
    assert same(load("own", "train", tmp_path).shaped(False, inputs, "net"))
    assert same(load("mnist", "train", tmp_path).shaped(False, inputs, "net"))


def test_own_counts_have_any_axes_behind_the_steps(tmp_path: Path) -> None:
    """Counts (samples, steps, ...) become rows for a network of counts, and images for another."""
    x = np.random.default_rng(1).integers(0, 9, (3, 5, 2, 4, 4), np.uint8)
    np.savez(tmp_path / "test.npz", x=x, y=np.arange(3))
    data = load("own", "test", tmp_path)
    assert np.array_equal(data.shaped(True, 32, "net").cut(4).x, x.reshape(3, 5, 32)[:, :4])
    assert np.array_equal(data.shaped(False, 160, "net").x, x.reshape(3, 160))
    with pytest.raises(InputError, match="Samples must have 31 values for net, not 32 as those of"):
        data.shaped(True, 31, "net")
    np.savez(tmp_path / "test.npz", x=x.reshape(3, 160), y=np.arange(3))
    with pytest.raises(
        InputError, match=r"must have the shape \(samples, steps, ...\) for net, which"
    ):
        load("own", "test", tmp_path).shaped(True, 32, "net")


def test_names_are_refused(tmp_path: Path) -> None:
    """Unknown names of data sets, splits and folders are refused."""
    assert refusal("cats", "test") == (
        "Data set must be one of digits, mnist, fashion-mnist, spoken, shd, ssc, gsc, nmnist,"
        " random, own, not 'cats'"
    )
    assert refusal("mnist", "half") == "Split must be one of train, test, not 'half'"
    assert refusal("mnist", "test", tmp_path / "no") == f"Data folder {tmp_path / 'no'} must exist"
    (tmp_path / "a").touch()
    sentence = f"Data folder {tmp_path / 'a'} must be a folder, not a file"
    assert refusal("mnist", "test", tmp_path / "a") == sentence
    assert refusal("own", "test") == (
        "Data set own must be given a folder that holds train.npz and test.npz"
    )


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without the files is refused, and nothing is downloaded."""
    assert refusal("mnist", "test", tmp_path) == (
        f"Data folder {tmp_path} must hold t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,"
        " plain or .gz, or mnist.npz"
    )
    assert refusal("own", "test", tmp_path) == f"Data folder {tmp_path} must hold test.npz"


def test_wrong_magic_is_refused(tmp_path: Path) -> None:
    """Labels in the place of images are refused."""
    path = fill(tmp_path) / TRAIN[0]
    path.write_bytes(idx(Y))
    assert refusal("mnist", "train", tmp_path) == (
        f"{path} must begin with the IDX magic 00000803, not 00000801"
    )


@pytest.mark.parametrize("length", [12, 39, 41], ids=["header", "short", "long"])
def test_wrong_length_is_refused(tmp_path: Path, length: int) -> None:
    """A file that is not as long as its header says is refused."""
    path = fill(tmp_path) / TRAIN[0]
    path.write_bytes((idx(X) + b"!")[:length])
    says = "at least 16 bytes of header" if length < 16 else "40 bytes, as its header says"
    assert refusal("mnist", "train", tmp_path) == f"{path} must hold {says}, not {length}"


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    """A gzip file that is cut off, or is none, is refused."""
    path = fill(tmp_path, packed=True) / f"{TRAIN[0]}.gz"
    whole = path.read_bytes()
    for content in (whole[:-12], whole[:5], b"no gzip", whole[:15] + b"\xff\xff" + whole[17:]):
        path.write_bytes(content)
        assert refusal("mnist", "train", tmp_path) == (
            f"{path} must be a whole gzip file; it is cut off or damaged"
        )


def test_wrong_number_of_labels_is_refused(tmp_path: Path) -> None:
    """There is one label per image."""
    path = fill(tmp_path) / TRAIN[1]
    path.write_bytes(idx(Y[:2]))
    assert refusal("mnist", "train", tmp_path) == (
        f"{path} must hold 3 labels, one per image, not 2"
    )
    images = tmp_path / TRAIN[0]
    images.write_bytes(idx(X[:0]))
    assert refusal("mnist", "train", tmp_path) == f"{images} must hold at least one image"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A server that has the files of `fill` below good/, others below bad/, and MNIST is there."""
    right = {f"{name}.gz": gzip.compress(idx(a)) for name, a in zip(TEST, (X, Y), strict=True)}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            where, name = self.path.split("/")[-2:]
            content = right.get(name, b"") if where == "good" else b"other"
            self.send_response(404 if where == "void" else 200)
            self.send_header("Content-Length", str(len(content) + 9 * (where == "short")))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sums = {name.removesuffix(".gz"): hashlib.md5(c).hexdigest() for name, c in right.items()}
    monkeypatch.setitem(flow_idx.PACKED, "mnist", sums)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"

        def use(*places: str) -> list[str]:
            mirrors = tuple(f"{address}{place}/" for place in places)
            monkeypatch.setitem(flow_idx.MIRRORS, "mnist", mirrors)
            return list(mirrors)

        yield use, asked
        server.shutdown()


def test_download_is_checked(tmp_path: Path, mirror: Mirror) -> None:
    """Files come into the cache once, from the first mirror that sends the right bytes."""
    use, asked = mirror
    bad, void, short = use("bad", "void", "short")
    assert refusal("mnist", "test") == (
        f"Data set mnist must be given as a folder, as {TEST[0]}.gz cannot be downloaded:"
        f" {bad} sent other bytes; {void} failed (404); {short} failed (ChunkedEncodingError)"
    )
    assert not list(tmp_path.rglob("*ubyte*"))
    asked.clear()
    use("bad", "good")
    assert same(load("mnist", "test"))
    assert asked == [f"/{place}/{name}.gz" for name in TEST for place in ("bad", "good")]
    assert same(load("mnist", "test")) and len(asked) == 4
    kept = tmp_path / "cache" / "mnist"
    assert {path.name for path in kept.iterdir()} == {f"{name}.gz" for name in TEST}
    (kept / f"{TEST[0]}.gz").write_bytes(b"damaged")
    assert same(load("mnist", "test")) and len(asked) == 6


def test_missing_network_is_told(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no mirror can be reached, it is one sentence."""
    monkeypatch.setitem(flow_idx.MIRRORS, "mnist", ("http://127.0.0.1:9/",))
    assert refusal("mnist", "test") == (
        f"Data set mnist must be given as a folder, as {TEST[0]}.gz cannot be downloaded:"
        " http://127.0.0.1:9/ failed (ConnectionError)"
    )


def test_cache_that_cannot_be_written_to_is_told(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cache folder cannot be made, the sentence says what names another."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "file" / "below"))
    mirror[0]("good")
    assert refusal("mnist", "test") == (
        f"Cache folder {tmp_path / 'file' / 'below'} must be one that can be written to;"
        " SPIKELINE_CACHE names another"
    )


def test_download_needs_pooch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pooch nothing is downloaded, and the sentence says what to install."""
    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert refusal("mnist", "test") == (
        "Data set mnist must be given as a folder, or pooch be installed to download it:"
        " pip install 'spikeline[flow]'"
    )


def test_published_files_have_the_sums_of_their_content() -> None:
    """Every file has two sums, one packed and one not, and no two files have the same."""
    for table in (flow_idx.SUMS, flow_idx.PACKED):
        assert all(set(sums) == {*TRAIN, *TEST} for sums in table.values())
    both = [
        sum_ for t in (flow_idx.SUMS, flow_idx.PACKED) for s in t.values() for sum_ in s.values()
    ]
    assert len(set(both)) == 16


def test_digits_need_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits are there where SPIKELINE_DATA points nowhere; a folder given must exist."""
    monkeypatch.setenv("SPIKELINE_DATA", str(tmp_path / "no"))
    assert load("digits", "test").name == "digits"
    assert refusal("digits", "test", tmp_path / "no") == f"Data folder {tmp_path / 'no'} must exist"
    for name in ("digits", "random"):
        told = f"Data set {name} must be given no folder, as none holds it, not {tmp_path}"
        assert refusal(name, "test", tmp_path) == told


@pytest.fixture
def clothes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the files of `fill` those of Fashion-MNIST."""
    for names in (TRAIN, TEST):
        for name, array in zip(names, (X, Y), strict=True):
            digest = hashlib.md5(idx(array)).hexdigest()
            monkeypatch.setitem(flow_idx.SUMS["fashion-mnist"], name, digest)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("below", ["", "mnist"], ids=["folder", "subfolder"])
def test_files_of_the_other_set_are_refused(
    tmp_path: Path, clothes: None, packed: bool, below: str
) -> None:
    """Clothes are not taken for digits, whatever the folder is called."""
    fill(tmp_path / below, packed=packed)
    path = tmp_path / below / (TRAIN[0] + ".gz" * packed)
    assert refusal("mnist", "train", tmp_path) == (
        f"{path} must be a file of mnist, not of fashion-mnist"
    )
    fill(tmp_path / "fashion-mnist")
    assert same(load("fashion-mnist", "train", tmp_path))


def test_labels_of_the_other_set_are_refused(tmp_path: Path, clothes: None) -> None:
    """Images of one's own with the labels of the clothes are not taken for digits."""
    (fill(tmp_path) / TRAIN[0]).write_bytes(idx(X + 1))
    assert refusal("mnist", "train", tmp_path) == (
        f"{tmp_path / TRAIN[1]} must be a file of mnist, not of fashion-mnist"
    )


def test_data_is_named_by_what_it_is(tmp_path: Path, clothes: None) -> None:
    """Known bytes of images and of labels give the name of the set; anything else is own."""
    fill(tmp_path / "clothes")
    for name in ("fashion-mnist", "own"):
        data = load(name, "train", tmp_path / "clothes")
        assert same(data) and data.source == {"data": "fashion-mnist"}
    (fill(tmp_path / "mine") / TRAIN[1]).write_bytes(idx(Y + 1))
    for name in ("fashion-mnist", "own"):
        data = load(name, "train", tmp_path / "mine")
        assert data.y.tolist() == [3, 1, 2] and data.source == {"data": "own"}
    for split in ("train", "test"):
        np.savez(tmp_path / "mine" / f"{split}.npz", x=X, y=Y)
    for name in ("digits", "fashion-mnist", "shd", "own"):
        assert load(name, "train", tmp_path / "mine").source == {"data": "own"}


def test_folder_of_one_known_set_is_guessed(
    tmp_path: Path, clothes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of known bytes, one subfolder of a known name or .npz files tell the data set."""
    assert guess("test") is None
    assert guess("test", tmp_path) is None
    assert guess("test", fill(tmp_path / "direct", TEST)) == "fashion-mnist"
    assert guess("train", tmp_path / "direct") is None
    fill(tmp_path / "one" / "mnist", TEST)
    assert guess("test", tmp_path / "one") == "mnist"
    fill(tmp_path / "one" / "fashion-mnist", TEST)
    assert guess("test", tmp_path / "one") is None
    (fill(tmp_path / "unknown", TEST) / TEST[0]).write_bytes(idx(X + 1))
    assert guess("test", tmp_path / "unknown") is None
    monkeypatch.setenv("SPIKELINE_DATA", str(tmp_path / "direct"))
    assert guess("test") == "fashion-mnist"
    np.savez(tmp_path / "test.npz", x=X, y=Y)
    assert guess("test", tmp_path) == "own"
