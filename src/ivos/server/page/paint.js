// @ts-check
/** From labels to coloured pixels. Pure: arrays in, arrays changed, no DOM. */

/** @typedef {import("./palette.js").Rgb} Rgb */
/** @typedef {{ top: number, left: number, bottom: number, right: number }} Box */

/** For each label its colour as a 32-bit RGBA word with alpha 0; 0 where it is not shown.
 * @param {Iterable<{ object_id: number, rgb: Rgb }>} shown @returns {Uint32Array} */
export function colourTable(shown) {
  const table = new Uint32Array(256);
  for (const { object_id: id, rgb } of shown) {
    table[id] = (rgb[0] | (rgb[1] << 8) | (rgb[2] << 16) | 0x01000000) >>> 0;
  }
  return table;
}

/** Fill `out` (RGBA words, little-endian) with labels in colour.
 *
 * Inside an object alpha is `fill`, along its outline (`thick` pixels, inwards) it is `line`; both 0..255.
 * @param {Uint8Array} labels @param {number} width @param {number} height @param {Box} box where labels are not 0
 * @param {Uint32Array} table @param {{ fill: number, line: number, thick: number }} style @param {Uint32Array} out */
export function overlay(labels, width, height, box, table, style, out) {
  out.fill(0);
  const { fill, line, thick } = style;
  const fillAlpha = (fill << 24) >>> 0;
  const lineAlpha = (line << 24) >>> 0;
  for (let y = box.top; y < box.bottom; y++) {
    const up = y >= thick ? -thick * width : 0;
    const down = y + thick < height ? thick * width : 0;
    for (let x = box.left; x < box.right; x++) {
      const at = y * width + x;
      const label = /** @type {number} */ (labels[at]);
      if (label === 0) continue;
      const colour = /** @type {number} */ (table[label]);
      if (colour === 0) continue;
      const edge =
        labels[at + up] !== label ||
        labels[at + down] !== label ||
        (x >= thick && labels[at - thick] !== label) ||
        (x + thick < width && labels[at + thick] !== label);
      const alpha = edge ? lineAlpha : fillAlpha;
      if (alpha !== 0) out[at] = ((colour & 0x00ffffff) | alpha) >>> 0;
    }
  }
}

/** Fill `out` with white of which alpha is the soft mask: for `destination-in`, or over black as a matte.
 * @param {Uint8Array} soft @param {Uint32Array} out */
export function alpha(soft, out) {
  for (let at = 0; at < soft.length; at++) {
    out[at] = ((/** @type {number} */ (soft[at]) << 24) | 0x00ffffff) >>> 0;
  }
}

/** The smallest box with everything that is not 0; empty (all zero) where there is nothing.
 * @param {Uint8Array} labels @param {number} width @param {number} height @returns {Box} */
export function boxOf(labels, width, height) {
  let top = height;
  let bottom = 0;
  let left = width;
  let right = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (labels[y * width + x] === 0) continue;
      if (y < top) top = y;
      bottom = y + 1;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
    }
  }
  return bottom === 0 ? { top: 0, left: 0, bottom: 0, right: 0 } : { top, left, bottom, right };
}
