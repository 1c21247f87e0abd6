// @ts-check
/** Masks as they come over the wire; the form is described in `server/packets.py`. */

/** @typedef {{ form: "labels" | "soft", frame: number, step: number, width: number, height: number,
 *   box: { top: number, left: number, bottom: number, right: number }, pixels: Uint8Array }} Mask
 *   `pixels` is the whole frame, row by row */

const HEADER = 24;

/** Unpack one mask. Rejects with an Error where the bytes are not one.
 * @param {ArrayBuffer} buffer @returns {Promise<Mask>} */
export async function unpack(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER || view.getUint8(0) !== 0x69 || view.getUint8(1) !== 0x76 || view.getUint8(2) !== 0x6d) {
    throw new Error("the server sent something that is not a mask: reload the page");
  }
  const u16 = (/** @type {number} */ at) => view.getUint16(at, true);
  const height = u16(12);
  const width = u16(14);
  const box = { top: u16(16), left: u16(18), bottom: u16(20), right: u16(22) };
  const inside = await inflate(new Uint8Array(buffer, HEADER));
  return {
    form: view.getUint8(3) === 1 ? "labels" : "soft",
    frame: view.getUint32(4, true),
    step: view.getUint32(8, true),
    width,
    height,
    box,
    pixels: placed(inside, box, width, height),
  };
}

/** @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
async function inflate(bytes) {
  const stream = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The box's pixels in a frame of zeros.
 * @param {Uint8Array} inside @param {Mask["box"]} box @param {number} width @param {number} height */
function placed(inside, box, width, height) {
  const pixels = new Uint8Array(width * height);
  const across = box.right - box.left;
  for (let row = box.top; row < box.bottom; row++) {
    const from = (row - box.top) * across;
    pixels.set(inside.subarray(from, from + across), row * width + box.left);
  }
  return pixels;
}
