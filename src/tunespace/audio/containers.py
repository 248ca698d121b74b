"""Containers that FFmpeg reads in part or wrongly: chained Ogg, and padded samples in WAV."""

import mmap
import re
import struct
from pathlib import Path

_OGG = b"OggS"
# Version 0, first page of a stream, and a sequence number of 0 with any position, serial and sum.
_FIRST_PAGE = re.compile(rb"OggS\x00[\x02\x06].{8}.{4}\x00{4}.{4}(.)", re.DOTALL)
_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_PAGE_HEADER = 27

_EXTENSIBLE = 0xFFFE
_HEADER_BYTES = 1 << 16


def ogg_links(path: Path) -> list[tuple[int, int]]:
    """Return offset and length of each link of a chained Ogg file; empty if it has one.

    Recordings of radio are such chains: FFmpeg ends at a link with another sample rate.

    Source: RFC 3533, section 4.
    """
    with path.open("rb") as file:
        if file.read(4) != _OGG:
            return []
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            starts = [
                match.start() for match in _FIRST_PAGE.finditer(data) if _is_audio(data, match)
            ]
            size = len(data)
    if len(starts) < 2:
        return []
    return [(at, end - at) for at, end in zip(starts, [*starts[1:], size], strict=True)]


def _is_audio(data: mmap.mmap, match: re.Match[bytes]) -> bool:
    """Return whether the first page of a stream is that of an audio codec."""
    payload = match.start() + _PAGE_HEADER + match[1][0]
    return data[payload : payload + 8].startswith(_CODECS)


def wav_padding_patch(path: Path) -> tuple[int, bytes] | None:
    """Return offset and bytes that make FFmpeg read a WAV file with padded samples; else None.

    In WAVE_EXTENSIBLE a sample may have 24 valid bits in a container of 32. FFmpeg takes the valid
    bits for the size of the container. The lowest bits are zero, so that all 32 may be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            return None
        data = head + file.read(_HEADER_BYTES)
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"fmt " and size >= 40 and at + 48 <= len(data):
            tag, container, valid = (
                struct.unpack_from("<H", data, at + 8 + offset)[0] for offset in (0, 14, 18)
            )
            if tag == _EXTENSIBLE and 0 < valid < container and container in (16, 24, 32):
                return at + 8 + 18, struct.pack("<H", container)
            return None
        at += 8 + size + size % 2
    return None
