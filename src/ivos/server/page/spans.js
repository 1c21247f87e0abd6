// @ts-check
/** Frames as half-open spans `[start, stop)`, ascending and apart. Pure. */

/** @typedef {[number, number]} Span */

/** Whether a frame lies in one of the spans.
 * @param {readonly Span[]} spans @param {number} frame */
export function covers(spans, frame) {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {Span} */ (spans[middle])[1] <= frame) low = middle + 1;
    else high = middle;
  }
  const found = spans[low];
  return found !== undefined && found[0] <= frame;
}

/** How many frames the spans hold. @param {readonly Span[]} spans */
export function count(spans) {
  return spans.reduce((sum, [start, stop]) => sum + stop - start, 0);
}

/** The spans with one frame added. @param {readonly Span[]} spans @param {number} frame @returns {Span[]} */
export function withFrame(spans, frame) {
  if (covers(spans, frame)) return [...spans];
  return joined([...spans, [frame, frame + 1]]);
}

/** Spans in order, those that touch made one. @param {readonly Span[]} spans @returns {Span[]} */
export function joined(spans) {
  /** @type {Span[]} */
  const out = [];
  for (const [start, stop] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], stop);
    else out.push([start, stop]);
  }
  return out;
}

/** The part of the spans inside one span. @param {readonly Span[]} spans @param {Span} within @returns {Span[]} */
export function clipped(spans, [from, to]) {
  return spans
    .map(([start, stop]) => /** @type {Span} */ ([Math.max(start, from), Math.min(stop, to)]))
    .filter(([start, stop]) => start < stop);
}

/** The nearest number after (`step` 1) or before (`step` -1) `frame`, if there is one.
 * @param {readonly number[]} frames @param {number} frame @param {1 | -1} step */
export function neighbour(frames, frame, step) {
  const ahead = frames.filter((other) => (other - frame) * step > 0);
  if (ahead.length === 0) return null;
  return step > 0 ? Math.min(...ahead) : Math.max(...ahead);
}
