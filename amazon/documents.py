"""Fetches a report's document into a temporary file, whatever its size.

Place in the flow: between `client.report_document`, which gives the address, and `flat_files`, which reads the lines.
The address is a capability: it is never logged, and no access token goes along.
"""

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Final
from urllib.parse import urlsplit

import httpx

from amazon.application import Application
from amazon.errors import AmazonError, NotReached, Unclear
from amazon.values import DocumentAddress
from amazon.wire import open_connection

MOST_BYTES: Final = 4 * 1024**3  # unpacked; a year of the biggest seller's orders is smaller
TIMEOUT: Final = timedelta(seconds=60)  # for each piece, not for the whole
LONGEST_LINE: Final = 1024 * 1024


@contextmanager
def download(application: Application, address: DocumentAddress) -> Iterator[IO[bytes]]:
    """Yield the document, unpacked, from its beginning. It is gone with the block.

    Raises `NotReached` where nothing could be fetched and `Unclear` for everything else, an expired address (Amazon's
    live five minutes) among them: the caller asks for a new address.
    """
    if urlsplit(address.url).scheme != "https" and application.endpoint is None:
        raise Unclear("the document's address is not by https")
    with tempfile.TemporaryFile() as file:
        _fetch(application, address, file)
        file.seek(0)
        yield file


def _fetch(application: Application, address: DocumentAddress, file: IO[bytes]) -> None:
    trouble: AmazonError
    try:
        with (
            open_connection(timeout=TIMEOUT, connect_timeout=application.connect_timeout) as connection,
            connection.stream("GET", address.url, headers={"accept-encoding": "identity"}) as response,
        ):
            if response.status_code != 200:
                raise Unclear(f"the document answers with status {response.status_code}")
            _unpack(response.iter_raw(), file, is_gzip=address.is_gzip)
            return
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        trouble = NotReached(f"no connection to the document ({type(error).__name__})")
    except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
        trouble = Unclear(f"the document could not be fetched ({type(error).__name__})")
    raise trouble  # out here, so that it is not chained to an exception that holds the address


def _unpack(pieces: Iterator[bytes], file: IO[bytes], *, is_gzip: bool) -> None:
    """Piece by piece, so that neither the packed nor the unpacked document is ever in memory.

    A packed file may have several members, one after the other (RFC 1952, 2.2): they are one document.
    """
    unpacking = _member() if is_gzip else None
    written = 0
    for piece in pieces:
        waiting = piece
        while waiting:
            content = waiting
            if unpacking:
                if unpacking.eof:
                    waiting = waiting.lstrip(b"\0")  # padding
                    if not waiting:
                        break
                    unpacking = _member()
                content = unpacking.decompress(waiting, LONGEST_LINE)
            waiting = (unpacking.unused_data or unpacking.unconsumed_tail) if unpacking else b""
            written += file.write(content)
            if written > MOST_BYTES:
                raise Unclear("the document is too big")
    if unpacking and not unpacking.eof:
        raise Unclear("the document breaks off")


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(16 + zlib.MAX_WBITS)
