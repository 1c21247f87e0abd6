// @ts-check
/** How sure the network is of each frame, and which frame to look at next. Pure. */

/** @typedef {{ confidence: Uint8Array, change: Uint8Array }} Track one byte a frame: 0..200 for 0..1 */

export const UNKNOWN = 255;
export const FULL = 200;

/** @param {number} frames @returns {Track} */
export function emptyTrack(frames) {
  return {
    confidence: new Uint8Array(frames).fill(UNKNOWN),
    change: new Uint8Array(frames).fill(UNKNOWN),
  };
}

/** Bytes of a base64 text. @param {string} text */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** A track with new values from `start` on; the old one is left as it is.
 * @param {Track} track @param {number} start @param {Uint8Array} confidence @param {Uint8Array} change
 * @returns {Track} */
export function withValues(track, start, confidence, change) {
  const next = { confidence: track.confidence.slice(), change: track.change.slice() };
  next.confidence.set(confidence.subarray(0, Math.max(0, next.confidence.length - start)), start);
  next.change.set(change.subarray(0, Math.max(0, next.change.length - start)), start);
  return next;
}

/** From 0 (sure) to 1 (no idea); null where nothing is known.
 * @param {Track} track @param {number} frame */
export function doubt(track, frame) {
  const value = track.confidence[frame];
  return value === undefined || value === UNKNOWN ? null : 1 - value / FULL;
}

/** How much of the mask is other than before the last run, 0..1; null where it is not known.
 * @param {Track} track @param {number} frame */
export function change(track, frame) {
  const value = track.change[frame];
  return value === undefined || value === UNKNOWN ? null : value / FULL;
}

/** @typedef {{ frame: number, object: number, doubt: number }} Suspect */

/** Frames worth a look, most doubtful first; of neighbours only the worst one is named.
 *
 * @param {Record<number, Track>} tracks by object id
 * @param {(object: number, frame: number) => boolean} settled whether nothing is to be done there
 * @param {number} frames
 * @returns {Suspect[]} */
export function suspects(tracks, settled, frames) {
  const apart = Math.max(2, Math.round(frames / 40));
  /** @type {Suspect[]} */
  const all = [];
  for (const [key, track] of Object.entries(tracks)) {
    const object = Number(key);
    for (let frame = 0; frame < frames; frame++) {
      const value = doubt(track, frame);
      if (value !== null && !settled(object, frame)) all.push({ frame, object, doubt: value });
    }
  }
  all.sort((a, b) => b.doubt - a.doubt || a.frame - b.frame);
  /** @type {Suspect[]} */
  const found = [];
  for (const one of all) {
    if (found.length === 20) break;
    if (found.every((other) => Math.abs(other.frame - one.frame) >= apart)) found.push(one);
  }
  return found;
}
