"""The configuration of a server that takes it from a file only."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def configuration(text: str) -> Iterator[Path]:
    """A file in a directory of its own, which the server may write to; gone after the block."""
    with TemporaryDirectory(prefix="tandem-peer-") as directory:
        file = Path(directory, "configuration")
        file.write_text(text, encoding="utf-8")
        yield file
