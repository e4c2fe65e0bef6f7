"""An S3 server and a Postgres on loopback, where their programs are installed.

``moto_server`` (``pip install 'moto[server]'``, in an environment of its own: its botocore is not
s3fs's) and ``initdb``, ``postgres`` (Debian's package ``postgresql``) are looked for on the PATH;
RECFEAT_TEST_MOTO names a ``moto_server`` elsewhere.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("s3fs", "dagster_postgres", "psycopg2")
MOTO = os.environ.get("RECFEAT_TEST_MOTO") or shutil.which("moto_server")


def missing() -> str | None:
    """What is not there, as a reason to skip."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    lacking += [name for name in ("initdb", "postgres") if shutil.which(name) is None]
    lacking += [] if MOTO else ["moto_server"]
    return f"not installed: {', '.join(lacking)}" if lacking else None


@contextlib.contextmanager
def s3(folder: Path, bucket: str) -> Iterator[dict[str, str]]:
    """The environment variables of a client; the bucket is there."""
    port = _free_port()
    command = [str(MOTO), "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port, folder / "s3.log"):
        client = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        os.environ.update(client)
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).makedirs(bucket, exist_ok=True)
        yield client


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a new, empty database."""
    port, data = _free_port(), folder / "postgres"
    data.mkdir()
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be root
    if user:
        shutil.chown(data, user)
        for parent in data.parents:
            with contextlib.suppress(PermissionError):
                parent.chmod(parent.stat().st_mode | 0o011)
    made = ["initdb", "--pgdata", str(data), "--username", "dagster", "--auth", "trust"]
    subprocess.run(made, check=True, capture_output=True, user=user, cwd=data)
    command = ["postgres", "-D", str(data), "-p", str(port), "-k", str(data), "-h", "127.0.0.1"]
    with _running(command, port, folder / "postgres.log", user):
        yield f"postgresql+psycopg2://dagster@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path, user: str | None = None) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, user=user, cwd="/", start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
