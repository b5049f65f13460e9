// A moving picture from screenshots: the browser makes each into a WebP without loss, of what differs from the one before, and
// this file puts them into one container, as https://developers.google.com/speed/webp/docs/riff_container has it.

/**
 * @param {import("playwright-core").Page} page does the encoding
 * @param {readonly {png: Buffer, ms: number}[]} frames of one size
 * @returns {Promise<Buffer>}
 */
export async function animatedWebp(page, frames) {
  await page.goto("about:blank");
  /** @type {{x: number, y: number, width: number, height: number, ms: number, bitstream: Buffer}[]} */
  const parts = [];
  let size = { width: 0, height: 0 };
  for (const { png, ms } of frames) {
    const part = await page.evaluate(encodeChange, png.toString("base64"));
    const last = parts.at(-1);
    if (part.webp !== undefined) {
      const { webp, ...place } = part;
      parts.push({ ...place, ms, bitstream: bitstreamOf(Buffer.from(webp, "base64")) });
    } else if (last !== undefined) {
      last.ms += ms;
    }
    size = parts.length === 1 ? { width: part.width, height: part.height } : size;
  }
  return container(size, parts);
}

/**
 * Runs in the page. The parts begin at even places, as the container wants it.
 * @param {string} png
 */
async function encodeChange(png) {
  const picture = await (await fetch(`data:image/png;base64,${png}`)).blob();
  const bitmap = await createImageBitmap(picture);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const now = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
  const before = globalThis.before ?? new Uint32Array(0);
  globalThis.before = now;
  let [left, top, right, bottom] = [bitmap.width, bitmap.height, -1, -1];
  for (let at = 0; at < now.length; at += 1) {
    if (now[at] !== before[at]) {
      const [x, y] = [at % bitmap.width, Math.floor(at / bitmap.width)];
      [left, top, right, bottom] = [
        Math.min(left, x),
        Math.min(top, y),
        Math.max(right, x),
        Math.max(bottom, y),
      ];
    }
  }
  if (right === -1) {
    return { x: 0, y: 0, width: 0, height: 0, webp: undefined };
  }
  const [x, y] = [left - (left % 2), top - (top % 2)];
  const [width, height] = [right - x + 1, bottom - y + 1];
  const part = new OffscreenCanvas(width, height);
  part.getContext("2d", { alpha: false }).drawImage(bitmap, -x, -y);
  const webp = await part.convertToBlob({ type: "image/webp", quality: 1 });
  const data = new Uint8Array(await webp.arrayBuffer());
  let text = "";
  for (const byte of data) {
    text += String.fromCharCode(byte);
  }
  return { x, y, width, height, webp: btoa(text) };
}

/**
 * The picture's own chunks, without the container.
 * @param {Buffer} webp
 */
function bitstreamOf(webp) {
  const chunks = [];
  for (let at = 12; at < webp.length;) {
    const end = at + 8 + webp.readUInt32LE(at + 4);
    const padded = end + (end % 2);
    if (["VP8 ", "VP8L", "ALPH"].includes(webp.toString("latin1", at, at + 4))) {
      chunks.push(webp.subarray(at, padded));
    }
    at = padded;
  }
  return Buffer.concat(chunks);
}

/**
 * @param {{width: number, height: number}} size
 * @param {readonly {x: number, y: number, width: number, height: number, ms: number, bitstream: Buffer}[]} parts
 */
function container({ width, height }, parts) {
  const IS_ANIMATED = 2;
  const NO_BLENDING = 2;
  const head = chunk("VP8X", [bytes(IS_ANIMATED, 4), bytes(width - 1, 3), bytes(height - 1, 3)]);
  const white = 0xff_ff_ff_ff;
  const forEver = bytes(0, 2);
  const body = parts.map((part) =>
    chunk("ANMF", [
      bytes(part.x / 2, 3),
      bytes(part.y / 2, 3),
      bytes(part.width - 1, 3),
      bytes(part.height - 1, 3),
      bytes(part.ms, 3),
      bytes(NO_BLENDING, 1),
      part.bitstream,
    ]),
  );
  const all = Buffer.concat([Buffer.from("WEBP"), head, chunk("ANIM", [bytes(white, 4), forEver]), ...body]);
  return chunk("RIFF", [all]);
}

/**
 * @param {string} name
 * @param {readonly Buffer[]} parts
 */
function chunk(name, parts) {
  const data = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(name), bytes(data.length, 4), data, Buffer.alloc(data.length % 2)]);
}

/**
 * @param {number} value little-endian
 * @param {number} length
 */
function bytes(value, length) {
  const buffer = Buffer.alloc(length);
  buffer.writeUIntLE(value, 0, length);
  return buffer;
}
