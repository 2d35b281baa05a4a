"""An S3 server for tests: moto as a process of its own, with one bucket, in memory."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
import urllib.error
import urllib.request

from tests.support.embedded_store import free_port

MISSING = [name for name in ("moto", "flask", "flask_cors", "s3fs") if importlib.util.find_spec(name) is None]
"""What would have to be installed for it."""
BUCKET = "airis-recordings"
_READY_SECONDS = 60.0


class S3Server:
    """It takes every key. ``environment`` are the variables by which an AWS client finds it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> S3Server:
        """Start it, wait until it answers, make the bucket."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._made():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the S3 server of the tests did not start")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def _made(self) -> bool:
        url = f"{self.environment['AWS_ENDPOINT_URL']}/{BUCKET}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"the bucket cannot be made: {error}") from None
        except OSError:
            return False
