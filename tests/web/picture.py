"""Screenshots that a repository can hold: PNG files with at most 256 colours."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.async_api import Browser, Page

# The commonest colours that differ visibly make the palette; the others become the nearest one.
_REDUCE = """
async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const distance = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  const palette = [];
  for (const [pixel] of [...counts].sort((a, b) => b[1] - a[1])) {
    const colour = parts(pixel);
    const differs = palette.every((one) => distance(one, colour) > 40);
    if (differs && palette.length < 256) palette.push(colour);
  }
  const indices = new Map();
  for (const pixel of counts.keys()) {
    const distances = palette.map((one) => distance(one, parts(pixel)));
    indices.set(pixel, distances.indexOf(Math.min(...distances)));
  }
  const bytes = Uint8Array.from(pixels, (pixel) => indices.get(pixel));
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  }
  return { width: image.width, height: image.height, palette: palette.flat(), bytes: btoa(text) };
}
"""


async def picture(browser: Browser, page: Page) -> bytes:
    """Take a screenshot of a page, as a small PNG file.

    Args:
        browser: Lends an empty page to compute in: the pictured one has a policy.
        page: What is pictured.
    """
    taken = base64.b64encode(await page.screenshot(animations="disabled", caret="hide")).decode()
    empty = await browser.new_page()
    try:
        reduced = await empty.evaluate(_REDUCE, f"data:image/png;base64,{taken}")
    finally:
        await empty.close()
    width, height = reduced["width"], reduced["height"]
    pixels = base64.b64decode(reduced["bytes"])
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(reduced["palette"])),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
