"""A reply's body as it comes in: unpacked, and never longer than its limit. Pure."""

import zlib
from collections.abc import Iterable

from forecast.errors import OutsideError

# zlib finds out by itself whether it is gzip or zlib (wbits 32 + 15).
_ANY_HEADER = 47
_PACKED = ("gzip", "x-gzip", "deflate")


def whole_body(chunks: Iterable[bytes], encoding: str, most: int, peer: str) -> bytes:
    """All of a body, unpacked; OutsideError where it is longer than `most` bytes, or damaged.

    The limit is of what is unpacked, and unpacking stops there: a bomb stays small.
    """
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return _plain(chunks, most, peer)
    if coding in _PACKED:
        return _unpacked(chunks, most, peer)
    raise OutsideError(f"the {peer} packed its answer in a way that was not asked for")


def _plain(chunks: Iterable[bytes], most: int, peer: str) -> bytes:
    read = bytearray()
    for chunk in chunks:
        read += chunk
        if len(read) > most:
            raise _too_long(most, peer)
    return bytes(read)


def _unpacked(chunks: Iterable[bytes], most: int, peer: str) -> bytes:
    unpack, read = zlib.decompressobj(_ANY_HEADER), bytearray()
    try:
        for chunk in chunks:
            read += unpack.decompress(chunk, most + 1 - len(read))
            if len(read) > most:
                raise _too_long(most, peer)
    except zlib.error:
        raise OutsideError(f"the packed answer of the {peer} is damaged") from None
    if not unpack.eof:
        raise OutsideError(f"the packed answer of the {peer} broke off")
    return bytes(read)


def _too_long(most: int, peer: str) -> OutsideError:
    return OutsideError(f"the answer of the {peer} is longer than {most / 1e6:g} MB")
