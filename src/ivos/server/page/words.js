// @ts-check
/** Numbers in words: times, sizes, spans. Pure. */

/** `1:02.480` @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, seconds);
  const minutes = Math.floor(whole / 60);
  const rest = (whole - minutes * 60).toFixed(2).padStart(5, "0");
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** How long is left: "12 s left", "3 min left". @param {number | null} seconds */
export function left(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "working out how long…";
  if (seconds < 1) return "almost done";
  if (seconds < 90) return `${Math.ceil(seconds)} s left`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min left`;
  return `${(seconds / 3600).toFixed(1)} h left`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Frames as people count and name them here (from 0): "frame 12", "frames 12–48". @param {[number, number]} span half open */
export function frames([start, stop]) {
  return stop - start === 1 ? `frame ${start}` : `frames ${start}–${stop - 1}`;
}

/** @param {number} number @param {string} word */
export function counted(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/** @param {number} fraction */
export function percent(fraction) {
  return `${Math.round(fraction * 100)} %`;
}

/** The time of a frame. @param {import("./protocol.js").VideoValue} video @param {number} frame */
export function timeOf(video, frame) {
  return video.timestamps?.[frame] ?? frame / video.fps;
}

/** The frame that is shown at a time. @param {import("./protocol.js").VideoValue} video @param {number} seconds */
export function frameAt(video, seconds) {
  if (!video.timestamps) return Math.min(video.frames - 1, Math.floor(seconds * video.fps + 1e-6));
  let low = 0;
  let high = video.timestamps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {number} */ (video.timestamps[middle]) <= seconds + 1e-9) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
