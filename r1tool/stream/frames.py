"""zstd frames, walked block by block: what is whole, where it was cut, and how rows are stored without compressing."""


MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE = range(0x184D2A50, 0x184D2A60)
BLOCK_BYTES = 128 << 10
"""No block holds more, compressed or not."""

STORED_HEADER = MAGIC + b"\x00\x38"
"""No checksum, no content size, a window of 128 KiB."""
STORED_END = b"\x01\x00\x00"
"""An empty last block."""


def stored_block(size: int) -> bytes:
    """The header of a stored block of `size` bytes that is not the last of its frame."""
    return (size << 3).to_bytes(3, "little")
