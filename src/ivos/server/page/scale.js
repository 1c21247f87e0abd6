// @ts-check
/** From frames to places on the timeline and back. Pure. */

/** @typedef {{ from: number, to: number, width: number }} Scale frames `from` .. `to` (half open, may be fractions) over `width` pixels */

/** Where a frame begins. @param {Scale} scale @param {number} frame */
export function xOf(scale, frame) {
  return ((frame - scale.from) / (scale.to - scale.from)) * scale.width;
}

/** The frame under a place. @param {Scale} scale @param {number} x @param {number} frames */
export function frameUnder(scale, x, frames) {
  const at = scale.from + (x / scale.width) * (scale.to - scale.from);
  return Math.max(0, Math.min(frames - 1, Math.floor(at)));
}

/** A scale zoomed by `factor` around a place, never past the video, never closer than ten frames.
 * @param {Scale} scale @param {number} factor @param {number} x @param {number} frames @returns {Scale} */
export function zoomedAt(scale, factor, x, frames) {
  const span = scale.to - scale.from;
  const wanted = Math.min(frames, Math.max(Math.min(10, frames), span * factor));
  const fixed = scale.from + (x / scale.width) * span;
  const from = Math.min(frames - wanted, Math.max(0, fixed - (x / scale.width) * wanted));
  return { ...scale, from, to: from + wanted };
}

/** A scale moved so that a frame can be seen. @param {Scale} scale @param {number} frame @param {number} frames @returns {Scale} */
export function showing(scale, frame, frames) {
  const span = scale.to - scale.from;
  if (frame >= scale.from && frame + 1 <= scale.to) return scale;
  const from = Math.min(frames - span, Math.max(0, frame - span / 2));
  return { ...scale, from, to: from + span };
}

/** How far apart ticks stand, so that labels have room. @param {Scale} scale @param {number} room pixels a label needs */
export function tickStep(scale, room) {
  const least = ((scale.to - scale.from) / scale.width) * room;
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= least) return step * power;
  }
}
