// @ts-check
/** The timeline: ruler, filmstrip, what is known, annotated and locked frames, in and out, playhead;
 * and below it the review strip. A wheel over it zooms in time. */

import { eachRefresh, make, prepared } from "./dom.js";
import { colourOf, css } from "./palette.js";
import { Failures } from "./retry.js";
import { FULL, UNKNOWN, change, doubt } from "./review.js";
import { frameUnder, showing, tickStep, xOf, zoomedAt } from "./scale.js";
import { accepted } from "./state.js";
import { clock, percent, timeOf } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./store.js").Store<State, import("./state.js").Event>} Store */
/** @typedef {import("./scale.js").Scale} Scale */

const RULER = 16;
const STATUS = 14;
const STRIP = 24;
/** A doubt so small is never shown as a warning, however good all other frames are. */
const LEAST_SCALE = 0.08;
const DOUBT = [[26, 43, 58], [64, 92, 110], [247, 185, 85], [255, 240, 190]];

export class Timeline {
  /** @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} strips @param {HTMLElement} names @param {Store} store @param {(frame: number, text: string | null, x: number, y: number) => void} hover */
  constructor(canvas, strips, names, store, hover) {
    this.canvas = canvas;
    this.strips = strips;
    this.names = names;
    this.store = store;
    this.hover = hover;
    /** @type {Scale} */
    this.scale = { from: 0, to: 1, width: 1 };
    this.film = new Film(() => this.draw());
    this.draw = eachRefresh(() => this.drawNow());
    this.listen(canvas);
    this.listen(strips);
    new ResizeObserver(() => this.draw()).observe(canvas);
    store.watch((s) => [s.video, s.project], (s) => this.opened(s));
    store.watch((s) => [s.frame], (s) => {
      if (s.video) this.scale = showing(this.scale, s.frame, s.video.frames);
    });
    store.watch((s) => [s.frame, s.session, s.review, s.markIn, s.markOut, s.palette, s.run], () => this.draw());
    store.watch((s) => [s.session?.objects, s.palette], (s) => this.nameStrips(s));
  }

  /** @param {State} state */
  opened(state) {
    this.scale = { from: 0, to: state.video?.frames ?? 1, width: 1 };
  }

  /** @param {HTMLCanvasElement} canvas */
  listen(canvas) {
    const frameOf = (/** @type {PointerEvent | WheelEvent} */ event) => {
      const x = event.clientX - canvas.getBoundingClientRect().left;
      return { x, frame: frameUnder(this.scale, x, this.store.get().video?.frames ?? 1) };
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.store.send({ type: "play", on: false });
      this.store.send({ type: "seek", frame: frameOf(event).frame });
    });
    canvas.addEventListener("pointermove", (event) => {
      const { frame } = frameOf(event);
      if (canvas.hasPointerCapture(event.pointerId) && event.buttons) this.store.send({ type: "seek", frame });
      this.hover(frame, this.about(frame, canvas === this.strips ? event : null), event.clientX, canvas.getBoundingClientRect().top);
    });
    canvas.addEventListener("pointerleave", () => this.hover(0, null, 0, 0));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const frames = this.store.get().video?.frames ?? 1;
      this.scale = zoomedAt(this.scale, Math.exp(event.deltaY / 400), frameOf(event).x, frames);
      this.draw();
    }, { passive: false });
  }

  /** What to say of a frame under the mouse. @param {number} frame @param {PointerEvent | null} strip */
  about(frame, strip) {
    const state = this.store.get();
    if (!state.video) return null;
    const said = [`Frame ${frame} · ${clock(timeOf(state.video, frame))}`];
    const objects = state.session?.objects ?? [];
    const row = strip ? Math.floor((strip.clientY - this.strips.getBoundingClientRect().top) / STRIP) : -1;
    const object = objects[row];
    const track = object && state.review[object.object_id];
    if (object && track) {
      const unsure = doubt(track, frame);
      const other = change(track, frame);
      said.push(object.name, unsure === null ? "no mask yet" : `${percent(1 - unsure)} sure`);
      if (other !== null) said.push(`${percent(other)} changed`);
    }
    if (state.session?.cuts.includes(frame)) said.push("a new shot begins");
    if (state.session?.annotated.includes(frame)) said.push("annotated");
    if (accepted(state, frame)) said.push("accepted");
    return said.join(" · ");
  }

  drawNow() {
    const state = this.store.get();
    const { context, width, height } = prepared(this.canvas);
    if (!state.video || width === 0) return;
    this.scale = { ...this.scale, width };
    const film = height - RULER - STATUS;
    context.fillStyle = "#0b0d0f";
    context.fillRect(0, 0, width, height);
    this.film.draw(context, this.scale, state.video, RULER, film);
    this.drawRuler(context, state.video.frames, height);
    this.drawStatus(context, state, height);
    this.drawMarks(context, state, height);
    this.drawPlayhead(context, state.frame, height);
    this.drawStrips(state);
    this.canvas.setAttribute("aria-valuemin", "0");
    this.canvas.setAttribute("aria-valuemax", String(state.video.frames - 1));
    this.canvas.setAttribute("aria-valuenow", String(state.frame));
    this.canvas.setAttribute("aria-valuetext", this.about(state.frame, null) ?? "");
  }

  /** @param {CanvasRenderingContext2D} context @param {number} frames @param {number} height */
  drawRuler(context, frames, height) {
    const step = tickStep(this.scale, 64);
    context.font = "10px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (let frame = Math.ceil(this.scale.from / step) * step; frame < Math.min(frames, this.scale.to); frame += step) {
      const x = Math.round(xOf(this.scale, frame)) + 0.5;
      context.fillStyle = "rgb(255 255 255 / .12)";
      context.fillRect(x, 0, 1, height);
      context.fillStyle = "#9aa3af";
      context.fillText(String(frame), x + 4, RULER / 2);
    }
  }

  /** Which frames have masks, which are locked, which were annotated. @param {CanvasRenderingContext2D} context @param {State} state @param {number} height */
  drawStatus(context, state, height) {
    const top = height - STATUS;
    const objects = state.session?.objects ?? [];
    context.fillStyle = "#14171b";
    context.fillRect(0, top, this.scale.width, STATUS);
    const each = Math.max(2, Math.min(4, (STATUS - 4) / Math.max(1, objects.length)));
    objects.forEach((object, row) => {
      context.fillStyle = css(colourOf(state.palette, object), 0.85);
      for (const span of object.masked) this.fill(context, span, top + STATUS - 2 - (row + 1) * each, each - 0.5);
    });
    for (const object of objects) {
      for (const [start, stop] of object.locked_frames) {
        const x = xOf(this.scale, start);
        const across = Math.max(2, xOf(this.scale, stop) - x);
        context.fillStyle = "rgb(255 255 255 / .85)";
        context.fillRect(x, top, across, 2.5);
      }
    }
    for (const cut of state.session?.cuts ?? []) {
      const x = Math.round(xOf(this.scale, cut));
      context.fillStyle = "#f7b955";
      context.fillRect(x - 1, RULER, 2, height - RULER);
      context.fillRect(x - 4, RULER, 8, 3);
    }
    for (const frame of state.session?.annotated ?? []) {
      const x = xOf(this.scale, frame + 0.5);
      diamond(context, x, top + STATUS / 2, 6, state.session?.open.some((one) => one.frame === frame) ? "#f7b955" : "#ffffff");
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {[number, number]} span @param {number} y @param {number} height */
  fill(context, [start, stop], y, height) {
    const x = xOf(this.scale, start);
    context.fillRect(x, y, Math.max(1, xOf(this.scale, stop) - x), height);
  }

  /** Frames outside in and out are dimmed. @param {CanvasRenderingContext2D} context @param {State} state @param {number} height */
  drawMarks(context, state, height) {
    const { markIn, markOut } = state;
    context.fillStyle = "rgb(8 10 13 / .72)";
    if (markIn !== null) context.fillRect(0, RULER, Math.max(0, xOf(this.scale, markIn)), height - RULER);
    if (markOut !== null) context.fillRect(xOf(this.scale, markOut + 1), RULER, this.scale.width, height - RULER);
    context.fillStyle = "#6cb6ff";
    for (const [frame, way] of /** @type {[number | null, 1 | -1][]} */ ([[markIn, 1], [markOut === null ? null : markOut + 1, -1]])) {
      if (frame === null) continue;
      const x = xOf(this.scale, frame);
      context.fillRect(way > 0 ? x : x - 2, RULER, 2, height - RULER);
      for (const y of [RULER, height - 2]) context.fillRect(way > 0 ? x : x - 7, y, 7, 2);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} frame @param {number} height */
  drawPlayhead(context, frame, height) {
    const x = xOf(this.scale, frame);
    const across = Math.max(2, xOf(this.scale, frame + 1) - x);
    context.fillStyle = "rgb(255 255 255 / .16)";
    context.fillRect(x, 0, across, height);
    const middle = Math.round(x + across / 2);
    context.fillStyle = "#fff";
    context.fillRect(middle - 1, 0, 2, height);
    context.beginPath();
    context.moveTo(middle - 6, 0);
    context.lineTo(middle + 6, 0);
    context.lineTo(middle, 9);
    context.fill();
  }

  /** @param {State} state */
  drawStrips(state) {
    const objects = state.session?.objects ?? [];
    this.strips.style.height = `${objects.length * STRIP}px`;
    if (objects.length === 0 || !state.video) return;
    const { context, width } = prepared(this.strips);
    const pixels = Math.min(width, Math.max(1, Math.ceil(width)));
    objects.forEach((object, row) => {
      const track = state.review[object.object_id];
      const top = row * STRIP + 2;
      context.fillStyle = "#101317";
      context.fillRect(0, top, width, STRIP - 4);
      if (!track) return;
      const most = worst(track);
      for (let x = 0; x < pixels; x++) {
        const first = frameUnder(this.scale, x, track.confidence.length);
        const last = Math.max(first, frameUnder(this.scale, x + 1, track.confidence.length) - 1);
        this.drawColumn(context, track, most, x, first, last, top);
      }
    });
    const x = Math.round(xOf(this.scale, state.frame + 0.5));
    context.fillStyle = "rgb(255 255 255 / .8)";
    context.fillRect(x - 0.5, 0, 1, objects.length * STRIP);
  }

  /** The worst of the frames in one column of pixels.
   * @param {CanvasRenderingContext2D} context @param {import("./review.js").Track} track @param {number} most @param {number} x @param {number} first @param {number} last @param {number} top */
  drawColumn(context, track, most, x, first, last, top) {
    /** @type {number | null} */
    let unsure = null;
    let other = 0;
    for (let frame = first; frame <= last; frame++) {
      const value = doubt(track, frame);
      if (value !== null) unsure = Math.max(unsure ?? 0, value);
      other = Math.max(other, change(track, frame) ?? 0);
    }
    if (unsure !== null) {
      context.fillStyle = heat(unsure, most);
      context.fillRect(x, top, 1, 11);
    }
    if (other > 0) {
      context.fillStyle = "#c99bff";
      const high = Math.max(1, Math.min(8, other * 8));
      context.fillRect(x, top + 20 - high, 1, high);
    }
  }

  /** @param {State} state */
  nameStrips(state) {
    const objects = state.session?.objects ?? [];
    this.names.parentElement?.classList.toggle("tall", objects.length > 2);
    this.names.replaceChildren(
      ...objects.map((object) => {
        const chip = make("i");
        chip.style.background = css(colourOf(state.palette, object));
        return make("span", { title: object.name }, chip, object.name);
      }),
    );
  }
}

/** The colour of a doubt: quiet blue, then amber, then pale; told apart without red and green.
 * The scale ends at `most`, the object's worst frame, so that the frames worth a look stand out among good ones.
 * @param {number} value @param {number} most */
function heat(value, most) {
  const at = Math.min(1, value / most) ** 1.5 * (DOUBT.length - 1);
  const low = Math.min(DOUBT.length - 2, Math.floor(at));
  const mix = at - low;
  const from = /** @type {number[]} */ (DOUBT[low]);
  const to = /** @type {number[]} */ (DOUBT[low + 1]);
  return `rgb(${from.map((part, index) => Math.round(part + (/** @type {number} */ (to[index]) - part) * mix)).join(" ")})`;
}

/** The largest doubt of a track, where its scale ends. @param {import("./review.js").Track} track */
function worst(track) {
  let least = FULL;
  for (const byte of track.confidence) if (byte !== UNKNOWN && byte < least) least = byte;
  return Math.max(LEAST_SCALE, 1 - least / FULL);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} r @param {string} colour */
function diamond(context, x, y, r, colour) {
  context.beginPath();
  context.moveTo(x, y - r);
  context.lineTo(x + r, y);
  context.lineTo(x, y + r);
  context.lineTo(x - r, y);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#0b0d0f";
  context.stroke();
}

/** Small pictures along the timeline, fetched one after the other while nothing else is asked for. */
class Film {
  /** @param {() => void} onNew */
  constructor(onNew) {
    this.onNew = onNew;
    this.key = "";
    /** @type {Map<number, ImageBitmap>} */
    this.kept = new Map();
    /** @type {number[]} */
    this.wanted = [];
    this.busy = false;
    /** Whether the server is there to be asked. */
    this.on = true;
    this.failures = new Failures(() => this.more());
  }

  /** @param {string} key of the session */
  open(key) {
    this.key = key;
    this.wanted = [];
    this.failures.clear();
    for (const bitmap of this.kept.values()) bitmap.close();
    this.kept.clear();
  }

  /** @param {CanvasRenderingContext2D} context @param {Scale} scale @param {import("./protocol.js").VideoValue} video @param {number} top @param {number} height */
  draw(context, scale, video, top, height) {
    const cell = Math.max(24, (height * video.width) / video.height);
    const cells = Math.ceil(scale.width / cell);
    const span = scale.to - scale.from;
    /** @type {number[]} */
    const missing = [];
    for (let i = 0; i < cells; i++) {
      const frame = Math.min(video.frames - 1, Math.floor(scale.from + ((i + 0.5) * cell * span) / scale.width));
      const bitmap = this.kept.get(frame);
      if (!bitmap) missing.push(frame);
      const shown = bitmap ?? this.nearest(frame, span / cells);
      if (shown) context.drawImage(shown, i * cell, top, cell, height);
      context.fillStyle = "rgb(11 13 15 / .8)";
      context.fillRect(i * cell, top, 1, height);
    }
    this.wanted = missing;
    this.more();
  }

  /** @param {number} frame @param {number} within */
  nearest(frame, within) {
    for (const [other, bitmap] of this.kept) if (Math.abs(other - frame) <= within) return bitmap;
    return null;
  }

  async more() {
    const frame = this.wanted.find((one) => !this.failures.waits(one));
    if (this.busy || frame === undefined || !this.key || !this.on) return;
    this.busy = true;
    this.wanted = this.wanted.filter((one) => one !== frame);
    const key = this.key;
    try {
      const answer = await fetch(`/api/session/${key}/frames/${frame}?height=96`, /** @type {RequestInit} */ ({ priority: "low" }));
      if (answer.ok) {
        const bitmap = await createImageBitmap(await answer.blob());
        if (key === this.key) this.kept.set(frame, bitmap);
        if (this.kept.size > 400) this.kept.delete(/** @type {number} */ (this.kept.keys().next().value));
      }
    } catch {
      // the server is away
    }
    this.busy = false;
    if (key !== this.key) return;
    if (this.kept.has(frame)) this.onNew();
    else {
      this.failures.add(frame);
      this.more();
    }
  }
}
