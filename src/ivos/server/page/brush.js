// @ts-check
/** Exact pixels under a round brush. Pure; the pixels are the ones that the server is told. */

/** Mark the pixels under a brush moved from one point to another (image pixels).
 *
 * A pixel is under the brush when its middle is within the radius; a brush of one pixel marks the
 * pixel it is in.
 * @param {Uint8Array} marked one byte a pixel, changed in place
 * @param {number} width @param {number} height
 * @param {[number, number]} from @param {[number, number]} to @param {number} diameter */
export function stamp(marked, width, height, from, to, diameter) {
  const radius = Math.max(diameter / 2, 0.75);
  const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - radius));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(from[1], to[1]) + radius));
  const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - radius));
  const right = Math.min(width - 1, Math.ceil(Math.max(from[0], to[0]) + radius));
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  const length = dx * dx + dy * dy;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - from[0];
      const py = y + 0.5 - from[1];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const gapX = px - along * dx;
      const gapY = py - along * dy;
      if (gapX * gapX + gapY * gapY <= radius * radius) marked[y * width + x] = 1;
    }
  }
}

/** Pairs (first pixel, how many) of everything marked, ascending. @param {Uint8Array} marked @returns {number[]} */
export function runs(marked) {
  /** @type {number[]} */
  const out = [];
  let at = marked.indexOf(1);
  while (at >= 0) {
    let end = marked.indexOf(0, at);
    if (end < 0) end = marked.length;
    out.push(at, end - at);
    at = marked.indexOf(1, end);
  }
  return out;
}

/** Labels after a stroke: painted pixels become the object, erased ones of the object background.
 * Pixels of objects in `kept` (locked ones) stay. Returns a new array.
 * @param {Uint8Array} labels @param {number[]} pairs @param {number} object @param {boolean} erase
 * @param {ReadonlySet<number>} [kept] */
export function painted(labels, pairs, object, erase, kept = new Set()) {
  const out = labels.slice();
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const first = /** @type {number} */ (pairs[i]);
    const past = first + /** @type {number} */ (pairs[i + 1]);
    for (let at = first; at < past; at++) {
      const is = /** @type {number} */ (out[at]);
      if (erase ? is === object : !kept.has(is)) out[at] = erase ? 0 : object;
    }
  }
  return out;
}
