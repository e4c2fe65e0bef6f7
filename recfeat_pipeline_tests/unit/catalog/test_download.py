import hashlib
import io
import zipfile

import pytest

from recfeat_pipeline.catalog.download import download
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline_tests.servers.downloads import Downloads, serve

NAME = "ml-latest-small"
RATINGS = "".join(f"{i},{i},4.0,{i}\n" for i in range(2_000)).encode()

WHOLE = {f"{NAME}/ratings.csv": RATINGS, f"{NAME}/movies.csv": b"movieId,title,genres\n"}


def archive(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:  # stored, so that its size is predictable
        for name, data in (entries or WHOLE).items():
            bundle.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def server():
    body = archive()
    digest = hashlib.md5(body).hexdigest()
    files = {f"/{NAME}.zip": body, f"/{NAME}.zip.md5": f"MD5 ({NAME}.zip) = {digest}\n".encode()}
    with serve(Downloads(files)) as running:
        yield running


def fetch(server, folder, **options):
    return download(NAME, folder, base_url=server.url, pause=0.0, **options)


def test_a_release_is_fetched_checked_and_unpacked(server, tmp_path):
    seen = []
    folder = fetch(server, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert folder == tmp_path / NAME
    assert (folder / "ratings.csv").read_bytes() == RATINGS
    size = len(server.files[f"/{NAME}.zip"])
    assert seen[-1] == (size, size)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]  # no leftovers


def test_a_release_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert server.ranges == [None]


def test_dropped_connections_are_continued(server, tmp_path):
    server.drop_after = 10_000
    folder = fetch(server, tmp_path)
    assert (folder / "ratings.csv").read_bytes() == RATINGS
    assert server.ranges[:3] == [None, "bytes=10000-", "bytes=20000-"]


def test_another_process_continues_a_part(server, tmp_path):
    (tmp_path / f"{NAME}.zip.part").write_bytes(server.files[f"/{NAME}.zip"][:12_345])
    fetch(server, tmp_path)
    assert server.ranges == ["bytes=12345-"]


def test_a_part_that_is_whole_is_only_checked(server, tmp_path):
    (tmp_path / f"{NAME}.zip.part").write_bytes(server.files[f"/{NAME}.zip"])
    assert (fetch(server, tmp_path) / "ratings.csv").exists()


def test_a_part_longer_than_the_file_is_fetched_afresh(server, tmp_path):
    (tmp_path / f"{NAME}.zip.part").write_bytes(b"x" * 999_999)
    assert (fetch(server, tmp_path) / "ratings.csv").exists()
    assert server.ranges == ["bytes=999999-", None]


def test_a_server_without_ranges_sends_it_from_the_start(server, tmp_path):
    server.ignore_range = True
    (tmp_path / f"{NAME}.zip.part").write_bytes(b"x" * 100)
    assert (fetch(server, tmp_path) / "ratings.csv").read_bytes() == RATINGS


def test_passing_server_errors_are_retried(server, tmp_path):
    server.failures = [503, 429]
    assert (fetch(server, tmp_path) / "ratings.csv").exists()


def test_lasting_server_errors_end_in_one_sentence(server, tmp_path):
    server.failures = [503] * 10
    with pytest.raises(RecfeatError, match=r"answered 503.*run again"):
        fetch(server, tmp_path)
    assert not (tmp_path / NAME).exists()


def test_a_folder_in_the_way_is_an_error(server, tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(RecfeatError, match="not a whole release; remove it"):
        fetch(server, tmp_path)


def test_an_unreachable_server_is_an_error(tmp_path):
    with pytest.raises(RecfeatError, match=r"Cannot download http://127.0.0.1:9/"):
        download(NAME, tmp_path, base_url="http://127.0.0.1:9", pause=0.0)


def test_a_missing_file_is_an_error_at_once(server, tmp_path):
    server.files.clear()
    with pytest.raises(RecfeatError, match="answered 404"):
        fetch(server, tmp_path)
    assert len(server.ranges) == 1


def test_an_unknown_release_is_an_error(tmp_path):
    with pytest.raises(RecfeatError, match=r"choose one of .*ml-32m"):
        download("ml-99m", tmp_path)


def test_a_wrong_checksum_deletes_the_part(server, tmp_path):
    server.files[f"/{NAME}.zip.md5"] = b"0" * 32
    with pytest.raises(RecfeatError, match="MD5"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_checksum_the_archive_must_be_sound(server, tmp_path):
    del server.files[f"/{NAME}.zip.md5"]
    assert (fetch(server, tmp_path / "a") / "ratings.csv").exists()
    body = bytearray(server.files[f"/{NAME}.zip"])
    body[500] ^= 0xFF  # inside the stored file: its CRC no longer holds
    server.files[f"/{NAME}.zip"] = bytes(body)
    with pytest.raises(RecfeatError, match="not a whole zip archive"):
        fetch(server, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/evil.csv", f"{NAME}/../../evil.csv", "other/a.csv"]
)
def test_an_archive_may_not_write_elsewhere(server, tmp_path, name):
    server.files[f"/{NAME}.zip"] = archive(**{name: b"x", f"{NAME}/ratings.csv": RATINGS})
    del server.files[f"/{NAME}.zip.md5"]
    with pytest.raises(RecfeatError, match="outside ml-latest-small/"):
        fetch(server, tmp_path / "in")
    assert not (tmp_path / "in" / NAME).exists()
    assert not (tmp_path / "evil.csv").exists()


def test_a_folder_that_cannot_be_written_is_an_error(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecfeatError, match="Cannot write"):
        fetch(server, tmp_path / "file")
