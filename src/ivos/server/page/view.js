// @ts-check
/** Where the frame lies on the screen: zoom, pan, and from pixels to fractions. Pure. */

/** @typedef {{ scale: number, x: number, y: number }} View screen = image * scale + (x, y) */
/** @typedef {{ width: number, height: number }} Size */

export const MOST = 64;
export const LEAST = 0.02;
const MARGIN = 14;

/** The whole frame, in the middle, with a margin. @param {Size} image @param {Size} screen @returns {View} */
export function fit(image, screen) {
  const room = {
    width: Math.max(1, screen.width - 2 * MARGIN),
    height: Math.max(1, screen.height - 2 * MARGIN),
  };
  const scale = Math.min(room.width / image.width, room.height / image.height);
  return centred(image, screen, scale);
}

/** @param {Size} image @param {Size} screen @param {number} scale @returns {View} */
export function centred(image, screen, scale) {
  return {
    scale,
    x: (screen.width - image.width * scale) / 2,
    y: (screen.height - image.height * scale) / 2,
  };
}

/** Zoomed by `factor`; the image point under (x, y) of the screen stays there.
 * @param {View} view @param {number} factor @param {number} x @param {number} y @returns {View} */
export function zoomed(view, factor, x, y) {
  const scale = Math.min(MOST, Math.max(LEAST, view.scale * factor));
  const real = scale / view.scale;
  return { scale, x: x - (x - view.x) * real, y: y - (y - view.y) * real };
}

/** @param {View} view @param {number} dx @param {number} dy @returns {View} */
export function moved(view, dx, dy) {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** Kept so that at least a corner of the frame can be seen. @param {View} view @param {Size} image @param {Size} screen @returns {View} */
export function kept(view, image, screen) {
  const rest = 48;
  const clamp = (/** @type {number} */ value, /** @type {number} */ size, /** @type {number} */ room) =>
    Math.min(room - rest, Math.max(rest - size * view.scale, value));
  return {
    ...view,
    x: clamp(view.x, image.width, screen.width),
    y: clamp(view.y, image.height, screen.height),
  };
}

/** Screen to image pixels, not rounded. @param {View} view @param {number} x @param {number} y @returns {[number, number]} */
export function toImage(view, x, y) {
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}

/** Image pixels to fractions of the frame, held inside it, rounded to what a 16K frame can tell apart.
 * @param {[number, number]} point @param {Size} image @returns {[number, number]} */
export function toFraction([x, y], image) {
  const hold = (/** @type {number} */ value) => Math.round(Math.min(1, Math.max(0, value)) * 1e6) / 1e6;
  return [hold(x / image.width), hold(y / image.height)];
}

/** A stroke with points dropped that lie nearer than `least` image pixels to the one before; the ends stay.
 * Where more than `most` are left, `least` is doubled until they are not.
 * @param {[number, number][]} path @param {number} least @param {number} [most] @returns {[number, number][]} */
export function thinned(path, least, most = Infinity) {
  /** @type {[number, number][]} */
  const out = [];
  path.forEach((point, at) => {
    const last = out.at(-1);
    const far = !last || Math.hypot(point[0] - last[0], point[1] - last[1]) >= least;
    if (far || at === path.length - 1) out.push(point);
  });
  return out.length > most ? thinned(path, least * 2, most) : out;
}
