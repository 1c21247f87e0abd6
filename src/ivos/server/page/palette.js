// @ts-check
/** Colours of objects and strokes, as they are and for eyes that do not tell all apart. Pure. */

/** @typedef {[number, number, number]} Rgb */
/** @typedef {"project" | "safe"} Palette */

/** Okabe and Ito's colours (Color Universal Design, 2008) without black, brightest first for dark pages.
 * @type {Rgb[]} */
export const SAFE = [
  [86, 180, 233],
  [230, 159, 0],
  [0, 158, 115],
  [240, 228, 66],
  [204, 121, 167],
  [213, 94, 0],
  [0, 114, 178],
];

/** The colour in which an object is shown.
 * @param {Palette} palette @param {{ object_id: number, colour: Rgb }} object @returns {Rgb} */
export function colourOf(palette, object) {
  if (palette === "project") return lifted(object.colour);
  return /** @type {Rgb} */ (SAFE[(object.object_id - 1) % SAFE.length]);
}

/** A colour made bright enough to be seen over pictures and on dark ground; its hue stays.
 * DAVIS gives the first objects half-dark colours. @param {Rgb} rgb @returns {Rgb} */
export function lifted(rgb) {
  const most = Math.max(...rgb);
  if (most >= 200) return rgb;
  const strength = 235 / Math.max(1, most);
  const floor = most < 40 ? 120 : 62;
  return /** @type {Rgb} */ (rgb.map((value) => Math.min(255, Math.round(floor + (value * strength * (255 - floor)) / 255))));
}

/** Colours of strokes: what is wanted and what is not. @param {Palette} palette */
export function strokeColours(palette) {
  return palette === "project"
    ? { positive: "#4ade80", negative: "#ff5c5c" }
    : { positive: "#5ab8ff", negative: "#ff9d2e" };
}

/** @param {Rgb} rgb @param {number} [alpha] */
export function css([red, green, blue], alpha = 1) {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/** `#rrggbb`, as colour inputs want it. @param {Rgb} rgb */
export function hex(rgb) {
  return `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {string} text `#rrggbb` @returns {Rgb} */
export function fromHex(text) {
  const value = Number.parseInt(text.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
