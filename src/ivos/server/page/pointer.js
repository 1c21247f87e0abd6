// @ts-check
/** Mouse, pen and fingers on the frame: from gestures to strokes, boxes, brushed pixels, zoom and pan.
 *
 * Left includes, right or Alt with left excludes; the middle button or Space with a drag moves the view;
 * the wheel zooms, with Ctrl it sizes the brush. Two fingers zoom and move; once a pen has been seen,
 * one finger moves too, so that a resting hand draws nothing.
 */

import { runs, stamp } from "./brush.js";
import { colourOf } from "./palette.js";
import { MAX_POINTS } from "./protocol.js";
import { selected } from "./state.js";
import { moved, thinned, toFraction, toImage, zoomed } from "./view.js";

/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./state.js").State} State */

/** @typedef {object} Wishes
 * @property {(kind: "scribble" | "click" | "box", path: [number, number][], positive: boolean) => void} prompt
 * @property {(pairs: number[], erase: boolean) => void} paint
 * @property {(diameter: number) => void} sizeBrush
 * @property {(on: boolean) => void} hold a stroke begins, or is over: meanwhile the frame must stay
 * @property {() => string | null} whyNot why nothing can be drawn now, or null
 * @property {(text: string) => void} explain */

/** @typedef {{ kind: "pan", at: [number, number] }
 *   | { kind: "prompt", tool: "scribble" | "click" | "box", image: [number, number][], positive: boolean }
 *   | { kind: "brush", marked: Uint8Array, last: [number, number], erase: boolean, layer: HTMLCanvasElement }
 *   | { kind: "pinch" }} Gesture */

/** The pen's other end, as the pointer events standard numbers it. */
const PEN_ERASER = 5;

export class Pointer {
  /** @param {Stage} stage @param {() => State} state @param {Wishes} wishes */
  constructor(stage, state, wishes) {
    this.stage = stage;
    this.state = state;
    this.wishes = wishes;
    this.space = false;
    /** Whether Space was held to move the view: then letting it go does not play. */
    this.spaceUsed = false;
    this.penSeen = false;
    /** @type {Gesture | null} */
    this.gesture = null;
    /** @type {Map<number, [number, number]>} */
    this.fingers = new Map();
    const canvas = stage.canvas;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.cancel(event));
    canvas.addEventListener("pointerleave", () => this.setCursor(null));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  place(event) {
    const box = this.stage.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {PointerEvent} event */
  down(event) {
    const at = this.place(event);
    this.stage.canvas.focus({ preventScroll: true });
    if (event.pointerType === "pen") this.penSeen = true;
    if (event.pointerType === "touch") this.fingers.set(event.pointerId, at);
    if (this.fingers.size >= 2) {
      this.drop();
      this.gesture = { kind: "pinch" };
      return;
    }
    if (this.gesture || (event.button > 2 && event.button !== PEN_ERASER)) return;
    this.stage.canvas.setPointerCapture(event.pointerId);
    const finger = event.pointerType === "touch" && this.penSeen;
    if (event.button === 1 || this.space || finger || this.state().tool === "pan") {
      this.gesture = { kind: "pan", at };
      this.spaceUsed ||= this.space;
      this.setMood();
    } else this.begin(event, at);
    event.preventDefault();
  }

  /** @param {PointerEvent} event @param {[number, number]} at */
  begin(event, at) {
    const state = this.state();
    const problem = this.wishes.whyNot();
    if (problem) {
      this.wishes.explain(problem);
      return;
    }
    this.wishes.hold(true);
    const excluding = event.button === 2 || event.altKey;
    const image = toImage(this.stage.view, ...at);
    const tool = event.buttons & 32 ? "eraser" : state.tool;
    if (tool === "brush" || tool === "eraser") this.beginBrush(image, (tool === "eraser") !== excluding);
    else if (tool !== "pan") {
      const positive = tool === "box" || state.positive !== excluding;
      this.gesture = { kind: "prompt", tool, image: [image], positive };
      this.showDraft();
    }
  }

  /** @param {[number, number]} image @param {boolean} erase */
  beginBrush(image, erase) {
    const video = /** @type {import("./protocol.js").VideoValue} */ (this.state().video);
    const layer = document.createElement("canvas");
    layer.width = video.width;
    layer.height = video.height;
    this.gesture = { kind: "brush", marked: new Uint8Array(video.width * video.height), last: image, erase, layer };
    this.stage.draft = { kind: "brush", layer, erase };
    this.brushTo(image);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.place(event);
    this.setCursor(event.pointerType === "touch" ? null : at);
    const gesture = this.gesture;
    if (this.fingers.has(event.pointerId)) {
      if (gesture?.kind === "pinch") this.pinch(event.pointerId, at);
      this.fingers.set(event.pointerId, at);
    }
    if (!gesture || gesture.kind === "pinch") return;
    if (gesture.kind === "pan") {
      this.stage.look(moved(this.stage.view, at[0] - gesture.at[0], at[1] - gesture.at[1]));
      gesture.at = at;
      return;
    }
    for (const part of event.getCoalescedEvents?.() ?? [event]) {
      const image = toImage(this.stage.view, ...this.place(part));
      if (gesture.kind === "brush") this.brushTo(image);
      else gesture.image.push(image);
    }
    if (gesture.kind === "prompt") this.showDraft();
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.fingers.delete(event.pointerId);
    const gesture = this.gesture;
    if (!gesture) return;
    if (gesture.kind === "pinch") {
      if (this.fingers.size === 0) this.gesture = null;
      return;
    }
    this.gesture = null;
    this.stage.draft = null;
    this.setMood();
    if (gesture.kind === "brush") {
      const pairs = runs(gesture.marked);
      if (pairs.length > 0) this.wishes.paint(pairs, gesture.erase);
    } else if (gesture.kind === "prompt") this.finish(gesture);
    this.wishes.hold(false);
    this.stage.draw();
  }

  /** @param {Extract<Gesture, { kind: "prompt" }>} gesture */
  finish(gesture) {
    const video = /** @type {import("./protocol.js").VideoValue} */ (this.state().video);
    const path = thinned(gesture.image, Math.max(0.5, 1.5 / this.stage.view.scale), MAX_POINTS).map((point) => toFraction(point, video));
    const first = /** @type {[number, number]} */ (path[0]);
    const last = path.at(-1) ?? first;
    const still = Math.hypot((last[0] - first[0]) * video.width, (last[1] - first[1]) * video.height) * this.stage.view.scale < 4;
    if (gesture.tool === "box") {
      if (still) this.wishes.explain("Drag from one corner of the box to the other");
      else this.wishes.prompt("box", corners(first, last), true);
    } else if (gesture.tool === "click" || (still && path.length < 4)) this.wishes.prompt("click", [last], gesture.positive);
    else this.wishes.prompt("scribble", path, gesture.positive);
  }

  /** @param {PointerEvent} event */
  cancel(event) {
    this.fingers.delete(event.pointerId);
    this.drop();
  }

  /** Forget the stroke that is being drawn. @returns {boolean} whether there was one */
  drop() {
    const drawing = this.gesture !== null;
    this.gesture = null;
    this.stage.draft = null;
    this.wishes.hold(false);
    this.stage.draw();
    return drawing;
  }

  /** @param {number} id @param {[number, number]} at */
  pinch(id, at) {
    const before = this.fingers.get(id);
    const other = [...this.fingers].find(([key]) => key !== id)?.[1];
    if (!before || !other) return;
    const apart = (/** @type {[number, number]} */ point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    const factor = apart(at) / Math.max(1, apart(before));
    const view = zoomed(this.stage.view, factor, (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    this.stage.look(moved(view, (at[0] - before[0]) / 2, (at[1] - before[1]) / 2));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const { tool, brush } = this.state();
    const amount = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    if (event.ctrlKey && (tool === "brush" || tool === "eraser")) {
      this.wishes.sizeBrush(brush * Math.exp(-amount / 400) + (amount < 0 ? 0.6 : -0.6));
      return;
    }
    const box = this.stage.canvas.getBoundingClientRect();
    if (event.shiftKey) this.stage.look(moved(this.stage.view, -amount - event.deltaX, 0));
    else this.stage.look(zoomed(this.stage.view, Math.exp(-amount / (event.ctrlKey ? 120 : 500)), event.clientX - box.left, event.clientY - box.top));
  }

  /** @param {[number, number]} image */
  brushTo(image) {
    const gesture = this.gesture;
    const state = this.state();
    if (gesture?.kind !== "brush" || !state.video) return;
    const { width, height } = state.video;
    stamp(gesture.marked, width, height, gesture.last, image, state.brush);
    this.paintDraft(gesture, gesture.last, image, state);
    gesture.last = image;
    this.stage.draw();
  }

  /** Show what is marked around the last movement, pixel for pixel.
   * @param {Extract<Gesture, { kind: "brush" }>} gesture @param {[number, number]} from @param {[number, number]} to @param {State} state */
  paintDraft(gesture, from, to, state) {
    const { width, height } = gesture.layer;
    const reach = state.brush / 2 + 2;
    const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - reach));
    const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - reach));
    const across = Math.min(width, Math.ceil(Math.max(from[0], to[0]) + reach)) - left;
    const down = Math.min(height, Math.ceil(Math.max(from[1], to[1]) + reach)) - top;
    if (across <= 0 || down <= 0) return;
    const object = selected(state);
    const [red, green, blue] = gesture.erase ? [20, 22, 26] : object ? colourOf(state.palette, object) : [108, 182, 255];
    const data = new ImageData(across, down);
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        if (!gesture.marked[(top + y) * width + left + x]) continue;
        data.data.set([red, green, blue, 170], (y * across + x) * 4);
      }
    }
    /** @type {CanvasRenderingContext2D} */ (gesture.layer.getContext("2d")).putImageData(data, left, top);
  }

  showDraft() {
    const gesture = this.gesture;
    const video = this.state().video;
    if (gesture?.kind !== "prompt" || !video) return;
    const path = gesture.image.map((point) => toFraction(point, video));
    this.stage.draft = { kind: gesture.tool === "box" ? "box" : "scribble", path, positive: gesture.positive };
    this.stage.draw();
  }

  /** @param {[number, number] | null} at */
  setCursor(at) {
    this.stage.cursor = at;
    const { tool } = this.state();
    if (tool === "brush" || tool === "eraser") this.stage.draw();
    this.setMood();
  }

  /** The shape of the mouse pointer says what a press would do. */
  setMood() {
    const { tool } = this.state();
    const panning = this.space || tool === "pan";
    const shape = this.gesture?.kind === "pan" ? "grabbing" : panning ? "grab" : tool === "brush" || tool === "eraser" ? "none" : "crosshair";
    if (this.stage.canvas.style.cursor !== shape) this.stage.canvas.style.cursor = shape;
  }

  /** @param {boolean} held */
  holdSpace(held) {
    this.space = held;
    this.setMood();
  }
}

/** @param {[number, number]} a @param {[number, number]} b @returns {[number, number][]} top left, bottom right */
function corners(a, b) {
  return [
    [Math.min(a[0], b[0]), Math.min(a[1], b[1])],
    [Math.max(a[0], b[0]), Math.max(a[1], b[1])],
  ];
}
