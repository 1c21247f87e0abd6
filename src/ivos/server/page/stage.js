// @ts-check
/** The frame with its masks and strokes, drawn on the canvas. */

import { eachRefresh, prepared } from "./dom.js";
import { alpha, boxOf, colourTable, overlay } from "./paint.js";
import { colourOf, css, strokeColours } from "./palette.js";
import { selected, strokesOn } from "./state.js";
import { fit, kept } from "./view.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./packets.js").Mask} Mask */
/** @typedef {{ kind: "scribble" | "box", path: [number, number][], positive: boolean } | { kind: "brush", layer: HTMLCanvasElement, erase: boolean }} Draft
 *   paths in fractions */

export class Stage {
  /** @param {HTMLCanvasElement} canvas @param {() => State} state */
  constructor(canvas, state) {
    this.canvas = canvas;
    this.state = state;
    /** @type {import("./pictures.js").Pictures | null} */
    this.pictures = null;
    /** @type {import("./masks.js").Masks | null} */
    this.masks = null;
    /** @type {import("./view.js").View} */
    this.view = { scale: 1, x: 0, y: 0 };
    this.fitted = true;
    /** @type {Draft | null} */
    this.draft = null;
    /** Where the brush's ring is, in screen pixels. @type {[number, number] | null} */
    this.cursor = null;
    /** Called after each drawing. @type {() => void} */
    this.onDrawn = () => {};
    this.shown = { frame: -1, bitmap: /** @type {ImageBitmap | null} */ (null) };
    this.layers = { now: new Layer(), before: new Layer(), soft: new Layer(), cut: document.createElement("canvas") };
    this.draw = eachRefresh(() => this.drawNow());
    new ResizeObserver(() => {
      if (this.fitted) this.fit();
      this.draw();
    }).observe(canvas);
  }

  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** The whole frame in the window, and so it stays when the window changes. */
  fit() {
    const video = this.state().video;
    if (!video) return;
    this.view = fit(video, this.size);
    this.fitted = true;
    this.draw();
  }

  /** @param {import("./view.js").View} view */
  look(view) {
    const video = this.state().video;
    if (!video) return;
    this.view = kept(view, video, this.size);
    this.fitted = false;
    this.draw();
  }

  /** The name of the soft mask of all that is shown on a frame. @param {number} frame */
  softName(frame) {
    const ids = (this.state().session?.objects ?? []).filter((object) => !object.hidden).map((object) => object.object_id);
    return `soft/${frame}?objects=${ids.join(",")}`;
  }

  /** The names of the masks that the present view needs. @returns {string[]} */
  needed() {
    const { frame, look, compare, session } = this.state();
    if (!session || session.objects.length === 0) return [];
    const names = [`labels/${frame}`];
    if (compare && session.last_run !== null) names.push(`labels/${frame}?before=${session.last_run}`);
    if (look === "alpha" || look === "matte") names.push(this.softName(frame));
    return names;
  }

  /** Ask for what the present view needs. */
  wantMasks() {
    for (const name of this.needed()) this.masks?.want(name);
  }

  /** Whether everything on screen is what it should be: nothing is on its way. */
  get complete() {
    const { pending } = this.state();
    const masks = this.masks;
    return pending.length === 0 && this.shown.frame === this.state().frame && masks !== null && this.needed().every((name) => masks.fresh(name));
  }

  drawNow() {
    const state = this.state();
    const { context, width, height } = prepared(this.canvas);
    const { video, frame } = state;
    if (!video) return;
    const bitmap = this.pictures?.get(frame) ?? null;
    if (bitmap) this.shown = { frame, bitmap };
    context.save();
    context.translate(this.view.x, this.view.y);
    context.scale(this.view.scale, this.view.scale);
    context.imageSmoothingEnabled = this.view.scale < 3;
    context.imageSmoothingQuality = "high";
    const labels = this.masks?.get(`labels/${frame}`) ?? null;
    this.drawFrame(context, state, bitmap, width, height);
    if (state.look === "overlay" || state.look === "outline") this.drawMasks(context, state, labels);
    if (this.draft?.kind === "brush") context.drawImage(this.draft.layer, 0, 0);
    context.restore();
    this.drawStrokes(context, state);
    this.drawCursor(context, state);
    this.canvas.dataset["size"] = `${video.height} ${video.width}`;
    this.canvas.dataset["shown"] = `${state.look} ${frame} ${this.complete ? "complete" : "partly"}`;
    this.onDrawn();
  }

  /** @param {CanvasRenderingContext2D} context @param {State} state @param {ImageBitmap | null} bitmap @param {number} width @param {number} height */
  drawFrame(context, state, bitmap, width, height) {
    const video = /** @type {import("./protocol.js").VideoValue} */ (state.video);
    const missing = bitmap ? null : this.whyMissing(state);
    if (missing !== null) {
      this.drawMissing(context, video, missing);
      return;
    }
    const picture = bitmap ?? this.lastPicture();
    const soft = state.look === "alpha" || state.look === "matte" ? this.softMask(state) : null;
    if (state.look === "alpha" || state.look === "matte") {
      if (state.look === "alpha") this.drawChecks(context, video, width, height);
      else {
        context.fillStyle = "#000";
        context.fillRect(0, 0, video.width, video.height);
      }
      if (!soft) return;
      const layer = this.layers.soft.soft(soft);
      if (state.look === "matte") context.drawImage(layer, 0, 0);
      else if (picture) context.drawImage(this.cutOut(picture, layer), 0, 0);
      return;
    }
    if (picture) context.drawImage(picture, 0, 0, video.width, video.height);
    else {
      context.fillStyle = "#14161a";
      context.fillRect(0, 0, video.width, video.height);
    }
  }

  /** Why the frame will not come soon, or null: another frame's picture must not stand under its number.
   * @param {State} state @returns {string | null} */
  whyMissing({ frame, connected }) {
    const broken = this.pictures?.broken.get(frame);
    if (broken !== undefined) return `Frame ${frame} cannot be read`;
    return connected ? null : `Frame ${frame} is not here: the server is not connected`;
  }

  /** @param {CanvasRenderingContext2D} context @param {import("./protocol.js").VideoValue} video @param {string} words */
  drawMissing(context, video, words) {
    context.fillStyle = "#1c1f24";
    context.fillRect(0, 0, video.width, video.height);
    context.fillStyle = "#a3abb7";
    context.font = `${14 / this.view.scale}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.fillText(words, video.width / 2, video.height / 2, video.width);
  }

  /** The frame that was shown last, until the wanted one is here; never a closed one. */
  lastPicture() {
    const { bitmap } = this.shown;
    return bitmap && bitmap.width > 0 ? bitmap : null;
  }

  /** The soft mask of the frame; made of its labels until it has come. @param {State} state @returns {Mask | null} */
  softMask(state) {
    const soft = this.masks?.get(this.softName(state.frame));
    if (soft) return soft;
    const labels = this.masks?.get(`labels/${state.frame}`);
    return labels ? { ...labels, form: "soft", pixels: labels.pixels.map((label) => (label ? 255 : 0)) } : null;
  }

  /** @param {ImageBitmap} picture @param {HTMLCanvasElement} layer */
  cutOut(picture, layer) {
    const cut = this.layers.cut;
    cut.width = layer.width;
    cut.height = layer.height;
    const context = /** @type {CanvasRenderingContext2D} */ (cut.getContext("2d"));
    context.drawImage(picture, 0, 0, cut.width, cut.height);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(layer, 0, 0);
    return cut;
  }

  /** @param {CanvasRenderingContext2D} context @param {import("./protocol.js").VideoValue} video @param {number} width @param {number} height */
  drawChecks(context, video, width, height) {
    const { x, y, scale } = this.view;
    const right = Math.min(width, x + video.width * scale);
    const bottom = Math.min(height, y + video.height * scale);
    const left = Math.max(0, x);
    const top = Math.max(0, y);
    const ratio = window.devicePixelRatio || 1;
    context.save();
    context.setTransform(ratio, 0, 0, ratio, left * ratio, top * ratio); // squares keep their size on screen
    context.fillStyle = "#d7dade";
    context.fillRect(0, 0, right - left, bottom - top);
    context.fillStyle = "#a9aeb6";
    const cell = 12;
    for (let row = 0; row * cell < bottom - top; row++) {
      for (let column = row % 2; column * cell < right - left; column += 2) {
        const across = Math.min(cell, right - left - column * cell);
        const down = Math.min(cell, bottom - top - row * cell);
        if (across > 0 && down > 0) context.fillRect(column * cell, row * cell, across, down);
      }
    }
    context.restore();
  }

  /** @param {CanvasRenderingContext2D} context @param {State} state @param {Mask | null} labels */
  drawMasks(context, state, labels) {
    const last = state.session?.last_run;
    const before = state.compare && last != null ? this.masks?.get(`labels/${state.frame}?before=${last}`) : null;
    const style = this.style(state);
    const video = /** @type {import("./protocol.js").VideoValue} */ (state.video);
    if (!state.compare || !before) {
      if (labels) context.drawImage(this.layers.now.labels(labels, style), 0, 0);
      return;
    }
    const split = (state.wipe * this.size.width - this.view.x) / this.view.scale;
    for (const [mask, layer, from, to] of /** @type {[Mask | null, Layer, number, number][]} */ ([
      [before, this.layers.before, 0, split],
      [labels, this.layers.now, split, video.width],
    ])) {
      if (!mask || to <= from) continue;
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, video.height);
      context.clip();
      context.drawImage(layer.labels(mask, style), 0, 0);
      context.restore();
    }
  }

  /** @param {State} state @returns {Style} */
  style(state) {
    const shown = (state.session?.objects ?? []).filter((object) => !object.hidden);
    const thick = Math.min(12, Math.max(1, Math.round((state.look === "outline" ? 2 : 1.2) / this.view.scale)));
    const fill = state.look === "outline" ? 0 : Math.round(state.opacity * 255);
    const line = state.look === "outline" ? 255 : Math.round(Math.min(1, state.opacity * 1.9) * 255);
    const coming = state.object !== null && !state.session?.objects.some((object) => object.object_id === state.object);
    if (coming) shown.push({ .../** @type {import("./state.js").ObjectValue} */ ({}), object_id: /** @type {number} */ (state.object), colour: colourOf("safe", { object_id: state.object ?? 1, colour: [0, 0, 0] }) });
    const colours = shown.map((object) => ({ object_id: object.object_id, rgb: colourOf(state.palette, object) }));
    return { colours, fill, line, thick, name: JSON.stringify([colours, fill, line, thick]) };
  }

  /** @param {CanvasRenderingContext2D} context @param {State} state */
  drawStrokes(context, state) {
    if (state.look === "matte" || state.look === "source" || state.compare || state.playing) return;
    for (const stroke of strokesOn(state, state.frame)) this.drawStroke(context, state, stroke, 0.9);
    if (this.draft && this.draft.kind !== "brush") this.drawStroke(context, state, this.draft, 1);
  }

  /** @param {CanvasRenderingContext2D} context @param {State} state
   * @param {{ kind: "scribble" | "click" | "box", path: [number, number][], positive: boolean, object_id?: number }} stroke @param {number} strength */
  drawStroke(context, state, stroke, strength) {
    const video = /** @type {import("./protocol.js").VideoValue} */ (state.video);
    const at = (/** @type {[number, number]} */ [x, y]) =>
      /** @type {[number, number]} */ ([x * video.width * this.view.scale + this.view.x, y * video.height * this.view.scale + this.view.y]);
    const colours = strokeColours(state.palette);
    const colour = stroke.positive ? colours.positive : colours.negative;
    const points = stroke.path.map(at);
    const first = /** @type {[number, number]} */ (points[0]);
    context.save();
    context.globalAlpha = strength;
    context.lineCap = context.lineJoin = "round";
    if (stroke.kind === "click" || (stroke.kind === "scribble" && points.length === 1)) {
      drawClick(context, first, colour, stroke.positive);
    } else {
      const path = new Path2D();
      if (stroke.kind === "box") {
        const last = points.at(-1) ?? first;
        path.rect(first[0], first[1], last[0] - first[0], last[1] - first[1]);
        context.setLineDash([7, 5]);
      } else points.forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
      for (const [width, ink] of /** @type {[number, string][]} */ ([[9, "rgb(0 0 0 / .5)"], [7, this.rim(state, stroke)], [4.5, "#fff"], [2.6, colour]])) {
        context.lineWidth = width;
        context.strokeStyle = ink;
        context.stroke(path);
      }
    }
    context.restore();
  }

  /** The colour around a stroke: that of the object which it is about. @param {State} state @param {{ object_id?: number }} stroke */
  rim(state, stroke) {
    const id = stroke.object_id ?? state.object;
    const object = state.session?.objects.find((other) => other.object_id === id);
    return object ? css(colourOf(state.palette, object)) : "#fff";
  }

  /** The ring of the brush, as large as what it will paint. @param {CanvasRenderingContext2D} context @param {State} state */
  drawCursor(context, state) {
    if (!this.cursor || (state.tool !== "brush" && state.tool !== "eraser")) return;
    const object = selected(state);
    const radius = Math.max(2, (state.brush / 2) * this.view.scale);
    context.beginPath();
    context.arc(this.cursor[0], this.cursor[1], radius, 0, Math.PI * 2);
    context.lineWidth = 3;
    context.strokeStyle = "rgb(0 0 0 / .7)";
    context.stroke();
    context.lineWidth = 1.5;
    context.strokeStyle = state.tool === "eraser" ? "#ffffff" : object ? css(colourOf(state.palette, object)) : "#6cb6ff";
    context.stroke();
  }
}

/** @typedef {{ colours: { object_id: number, rgb: import("./palette.js").Rgb }[], fill: number, line: number, thick: number, name: string }} Style */

/** A canvas as large as the frame that holds one painted mask, painted again only when it changes. */
class Layer {
  constructor() {
    this.canvas = document.createElement("canvas");
    /** @type {ImageData | null} */
    this.data = null;
    /** @type {Uint8Array | null} */
    this.painted = null;
    this.name = "";
  }

  /** @param {Mask} mask @param {Style} style */
  labels(mask, style) {
    return this.paint(mask, style.name, (out) => {
      const box = mask.box.bottom ? mask.box : boxOf(mask.pixels, mask.width, mask.height);
      overlay(mask.pixels, mask.width, mask.height, box, colourTable(style.colours), style, out);
    });
  }

  /** @param {Mask} mask */
  soft(mask) {
    return this.paint(mask, "soft", (out) => alpha(mask.pixels, out));
  }

  /** @param {Mask} mask @param {string} name @param {(out: Uint32Array) => void} fill */
  paint(mask, name, fill) {
    if (this.painted === mask.pixels && this.name === name) return this.canvas;
    if (this.canvas.width !== mask.width || this.canvas.height !== mask.height || !this.data) {
      this.canvas.width = mask.width;
      this.canvas.height = mask.height;
      this.data = new ImageData(mask.width, mask.height);
    }
    fill(new Uint32Array(this.data.data.buffer));
    /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d")).putImageData(this.data, 0, 0);
    this.painted = mask.pixels;
    this.name = name;
    return this.canvas;
  }
}

/** @param {CanvasRenderingContext2D} context @param {[number, number]} at @param {string} colour @param {boolean} positive */
function drawClick(context, [x, y], colour, positive) {
  context.beginPath();
  context.arc(x, y, 7, 0, Math.PI * 2);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = "rgb(0 0 0 / .75)";
  context.stroke();
  context.beginPath();
  context.moveTo(x - 3.5, y);
  context.lineTo(x + 3.5, y);
  if (positive) {
    context.moveTo(x, y - 3.5);
    context.lineTo(x, y + 3.5);
  }
  context.strokeStyle = "#08110b";
  context.stroke();
}
