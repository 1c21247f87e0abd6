// @ts-check
/** What a person can do, by name: keys, buttons and menus all come here. */

import { request } from "./api.js";
import { painted } from "./brush.js";
import { suspects } from "./review.js";
import { covers, neighbour } from "./spans.js";
import { accepted, freeObject, objectToDraw, selected, settled, whyNotPropagate, workSpan } from "./state.js";
import { centred, zoomed } from "./view.js";
import { frames } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./timeline.js").Store} Store */
/** @typedef {import("./api.js").Wish} Wish */
/** @typedef {(kind: "error" | "good" | "info", text: string, link?: string) => void} Tell */

const LOOKS = /** @type {const} */ (["overlay", "outline", "alpha", "matte", "source"]);
const TOOLS = /** @type {const} */ (["scribble", "click", "box", "brush", "eraser", "pan"]);

/** @typedef {object} Parts
 * @property {Store} store
 * @property {import("./stage.js").Stage} stage
 * @property {() => import("./api.js").Connection | null} connection
 * @property {() => import("./masks.js").Masks | null} masks
 * @property {Tell} tell
 * @property {() => boolean} dropGesture
 * @property {() => void} pickMask */

export class Actions {
  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    this.store = parts.store;
  }

  /** Do the action of this name; false where there is none. @param {string} name */
  act(name) {
    const object = /^object(\d)$/.exec(name);
    if (object) this.select(Number(object[1]));
    else if (TOOLS.includes(/** @type {any} */ (name))) this.store.send({ type: "tool", tool: /** @type {import("./state.js").Tool} */ (name) });
    else if (LOOKS.includes(/** @type {any} */ (name))) this.store.send({ type: "look", look: /** @type {import("./state.js").Look} */ (name) });
    else {
      const method = this.table()[name];
      if (!method) return false;
      method();
    }
    return true;
  }

  /** @returns {Record<string, () => void>} */
  table() {
    const { store } = this;
    const state = store.get();
    const last = (state.video?.frames ?? 1) - 1;
    const seek = (/** @type {number | null} */ frame) => {
      if (frame === null) return;
      if (state.playing) store.send({ type: "play", on: false });
      store.send({ type: "seek", frame });
    };
    const zoom = (/** @type {number} */ factor) => {
      const { width, height } = this.parts.stage.size;
      this.parts.stage.look(zoomed(this.parts.stage.view, factor, width / 2, height / 2));
    };
    return {
      swap: () => store.send({ type: "positive", positive: !state.positive }),
      smaller: () => store.send({ type: "brush", diameter: Math.min(state.brush - 1, state.brush / 1.15) }),
      larger: () => store.send({ type: "brush", diameter: Math.max(state.brush + 1, state.brush * 1.15) }),
      undo: () => this.history("undo"),
      redo: () => this.history("redo"),
      play: () => store.send({ type: "play", on: !state.playing }),
      next: () => seek(state.frame + 1),
      previous: () => seek(state.frame - 1),
      next10: () => seek(state.frame + 10),
      previous10: () => seek(state.frame - 10),
      first: () => seek(0),
      last: () => seek(last),
      nextAnnotated: () => this.annotated(1, seek),
      previousAnnotated: () => this.annotated(-1, seek),
      check: () => this.check(),
      markIn: () => store.send({ type: "mark", end: "in", frame: state.frame }),
      markOut: () => store.send({ type: "mark", end: "out", frame: state.frame }),
      clearMarks: () => store.send({ type: "mark", end: "none", frame: 0 }),
      both: () => this.propagate(true, true),
      forward: () => this.propagate(true, false),
      backward: () => this.propagate(false, true),
      cancel: () => this.cancel(),
      compare: () => this.compare(),
      accept: () => this.accept([state.frame, state.frame + 1]),
      reject: () => this.reject([state.frame, state.frame + 1]),
      addObject: () => this.addObject(),
      nextObject: () => this.nextObject(),
      hide: () => this.toggle("hidden"),
      lock: () => this.toggle("locked"),
      rename: () => selected(state) && store.send({ type: "rename", object: state.object }),
      remove: () => this.remove(),
      nextLook: () => store.send({ type: "look", look: LOOKS[(LOOKS.indexOf(state.look) + 1) % LOOKS.length] ?? "overlay" }),
      fit: () => this.parts.stage.fit(),
      actual: () => state.video && this.parts.stage.look(centred(state.video, this.parts.stage.size, 1 / (window.devicePixelRatio || 1))),
      zoomIn: () => zoom(1.25),
      zoomOut: () => zoom(0.8),
      fainter: () => store.send({ type: "opacity", opacity: state.opacity - 0.1 }),
      stronger: () => store.send({ type: "opacity", opacity: state.opacity + 0.1 }),
      export: () => this.openExport(),
      importMask: () => this.parts.pickMask(),
      open: () => store.send({ type: "dialog", dialog: "open" }),
      history: () => store.send({ type: "dialog", dialog: "history" }),
      save: () => this.parts.tell("good", `Saved: every step is in ${state.project} as soon as it is done.`),
      shortcuts: () => store.send({ type: "dialog", dialog: state.dialog === "shortcuts" ? null : "shortcuts" }),
    };
  }

  /** Ask the server; rejects in its words. @param {Wish} wish */
  async send(wish) {
    const connection = this.parts.connection();
    if (!connection) throw new Error("no video is open");
    return connection.send(wish);
  }

  /** Ask the server; what goes wrong is told in its words. @param {Wish} wish @returns {Promise<import("./protocol.js").Done | null>} */
  async ask(wish) {
    try {
      return await this.send(wish);
    } catch (error) {
      this.parts.tell("error", /** @type {Error} */ (error).message);
      return null;
    }
  }

  // --- drawing -----------------------------------------------------------------------------

  /** Why the frame cannot be drawn on now, or null. @returns {string | null} */
  whyNotDraw() {
    const state = this.store.get();
    if (!state.connected) return "The server is not connected: strokes would be lost";
    if (!state.driving) return "This project is being worked on in another tab: take over first";
    if (this.parts.stage.pictures?.broken.has(state.frame)) return `Frame ${state.frame} cannot be read: nothing can be drawn on it`;
    const object = selected(state);
    if (object?.locked) return `${object.name} is locked: unlock it (L) to change it`;
    if (object && covers(object.locked_frames, state.frame)) return `Frame ${state.frame} is accepted: press Enter to release it, then draw`;
    if (object?.hidden) return `${object.name} is hidden: show it (H) to draw`;
    return null;
  }

  /** @param {"scribble" | "click" | "box"} kind @param {[number, number][]} path @param {boolean} positive */
  async prompt(kind, path, positive) {
    const state = this.store.get();
    const connection = this.parts.connection();
    if (!connection) return;
    const object = this.meant(state, /** @type {[number, number]} */ (path[0]), positive);
    const prompts = [{ kind, object_id: object, path, positive }];
    if (state.look === "source" || state.compare) this.showMasks();
    this.store.send({ type: "sent", stroke: { id: connection.nextNumber, frame: state.frame, object, prompts } });
    if (await this.ask({ type: "interact", frame: state.frame, prompts })) return;
    const masks = this.parts.masks(); // it may have been answered early, and then not been kept
    masks?.spoil([[state.frame, state.frame + 1]]);
    masks?.want(`labels/${state.frame}`);
  }

  /** The object that a stroke is about: the selected one; but a stroke that takes away is about the
   * object that it begins on, whichever is selected. @param {State} state @param {[number, number]} point @param {boolean} positive */
  meant(state, [x, y], positive) {
    const chosen = objectToDraw(state);
    const labels = this.parts.masks()?.get(`labels/${state.frame}`);
    if (positive || !labels) return chosen;
    const column = Math.min(Math.floor(x * labels.width), labels.width - 1);
    const row = Math.min(Math.floor(y * labels.height), labels.height - 1);
    const under = labels.pixels[row * labels.width + column] ?? 0;
    const object = state.session?.objects.find((other) => other.object_id === under);
    if (!object || object.locked || object.hidden || covers(object.locked_frames, state.frame)) return chosen;
    if (under !== chosen) this.store.send({ type: "select", object: under });
    return under;
  }

  /** @param {number[]} runs @param {boolean} erase */
  async paint(runs, erase) {
    const state = this.store.get();
    const connection = this.parts.connection();
    if (!connection) return;
    const object = objectToDraw(state);
    const masks = this.parts.masks();
    const name = `labels/${state.frame}`;
    const known = masks?.get(name);
    if (erase && !state.session?.objects.some((other) => other.object_id === object)) return;
    if (state.look === "source" || state.compare) this.showMasks();
    if (masks && known) {
      const locked = new Set(state.session?.objects.filter((other) => other.locked || covers(other.locked_frames, state.frame)).map((other) => other.object_id));
      const pixels = painted(known.pixels, runs, object, erase, locked);
      masks.keep(name, { ...known, pixels, box: { top: 0, left: 0, bottom: 0, right: 0 } });
      this.parts.stage.draw();
    }
    this.store.send({ type: "sent", stroke: { id: connection.nextNumber, frame: state.frame, object, prompts: [] } });
    if (await this.ask({ type: "paint", frame: state.frame, object_id: object, erase, runs })) return;
    masks?.spoil([[state.frame, state.frame + 1]]);
    masks?.want(name);
  }

  /** A stroke wants an answer that can be seen. */
  showMasks() {
    const state = this.store.get();
    if (state.look === "source") this.store.send({ type: "look", look: "overlay" });
    if (state.compare) this.store.send({ type: "compare", on: false });
  }

  /** @param {"undo" | "redo"} way */
  async history(way) {
    const session = this.store.get().session;
    const title = way === "undo" ? session?.undo : session?.redo;
    if (!title) {
      this.parts.tell("info", way === "undo" ? "There is nothing to undo." : "There is nothing to redo.");
      return;
    }
    if (await this.ask({ type: way })) this.parts.tell("info", `${way === "undo" ? "Undone" : "Done again"}: ${title}`);
  }

  // --- runs and review ---------------------------------------------------------------------

  /** @param {boolean} forward @param {boolean} backward */
  async propagate(forward, backward) {
    const state = this.store.get();
    const why = whyNotPropagate(state);
    if (why) {
      this.parts.tell("info", `${why}.`);
      return;
    }
    const [start, stop] = workSpan(state);
    const bounded = state.markIn !== null || state.markOut !== null;
    await this.ask({ type: "propagate", start: bounded ? start : null, stop: bounded ? stop : null, forward, backward, across_cuts: state.acrossCuts });
  }

  /** Esc: leaves what is in the way, the innermost first. */
  cancel() {
    const state = this.store.get();
    if (state.dialog) this.store.send({ type: "dialog", dialog: null });
    else if (this.parts.dropGesture()) return;
    else if (state.run) {
      this.store.send({ type: "stop" });
      this.ask({ type: "cancel" });
    }
    else if (state.compare) this.store.send({ type: "compare", on: false });
    else if (state.playing) this.store.send({ type: "play", on: false });
  }

  compare() {
    const state = this.store.get();
    if (state.session?.last_run == null) this.parts.tell("info", "Propagate first: there is no round to compare with.");
    else this.store.send({ type: "compare", on: !state.compare });
    if (!state.compare && state.look !== "outline" && state.look !== "overlay") this.store.send({ type: "look", look: "overlay" });
  }

  check() {
    const state = this.store.get();
    const list = suspects(state.review, (object, frame) => settled(state, object, frame), state.video?.frames ?? 0);
    if (list.length === 0) {
      this.parts.tell("info", state.session?.annotated.length ? "Nothing to check: every frame is accepted or drawn by you." : "Draw and propagate first: then this finds the most doubtful frame.");
      return;
    }
    const unseen = list.find((one) => !state.checked.includes(one.frame));
    const found = /** @type {import("./review.js").Suspect} */ (unseen ?? list[0]);
    if (!unseen) this.parts.tell("info", list.length === 1 ? "This is the only frame that is left to check." : `All ${list.length} doubtful frames were shown: the first one again.`);
    this.store.send({ type: "check", frame: found.frame, again: !unseen });
    this.store.send({ type: "select", object: found.object });
  }

  /** Lock or release frames for all objects. @param {[number, number]} span */
  async accept(span) {
    const state = this.store.get();
    const one = span[1] - span[0] === 1;
    if (!state.session?.objects.length) {
      this.parts.tell("info", "There is nothing to accept yet: draw on a frame first.");
      return;
    }
    if (one && !state.session.objects.some((object) => covers(object.masked, span[0]))) {
      this.parts.tell("info", `Frame ${span[0]} has no mask yet: there is nothing to accept.`);
      return;
    }
    const release = one && accepted(state, span[0]);
    const done = await this.ask({ type: "lock", start: span[0], stop: span[1], object_id: null, locked: !release });
    if (done) this.parts.tell("good", release ? `Released ${frames(span)}.` : `Accepted ${frames(span)}: no propagation changes ${one ? "it" : "them"} any more.`);
  }

  /** Put the masks from before the last round back. @param {[number, number]} span */
  async reject(span) {
    const state = this.store.get();
    const step = state.session?.last_run;
    if (step == null) {
      this.parts.tell("info", "Propagate first: there is no round to take back.");
      return;
    }
    const done = await this.ask({ type: "reject", step, start: span[0], stop: span[1], object_id: null });
    if (done) this.parts.tell("good", `The masks from before the last round are back on ${frames(span)}.`);
  }

  // --- objects -----------------------------------------------------------------------------

  /** @param {number} id */
  select(id) {
    const state = this.store.get();
    if (state.session?.objects.some((object) => object.object_id === id)) this.store.send({ type: "select", object: id });
    else this.parts.tell("info", `There is no object ${id}: press A for a new one.`);
  }

  async addObject() {
    const state = this.store.get();
    const id = freeObject(state);
    if (state.run) {
      // the session is busy: the object is made by its first stroke
      this.store.send({ type: "select", object: id });
      this.parts.tell("info", `Object ${id} is made by its first stroke.`);
      return;
    }
    if (await this.ask({ type: "add_object", name: null })) this.store.send({ type: "select", object: id });
  }

  nextObject() {
    const { session, object } = this.store.get();
    const ids = session?.objects.map((other) => other.object_id) ?? [];
    const at = ids.indexOf(object ?? -1);
    if (ids.length > 0) this.store.send({ type: "select", object: ids[(at + 1) % ids.length] ?? null });
  }

  /** @param {"hidden" | "locked"} what */
  toggle(what) {
    const object = selected(this.store.get());
    if (object) this.ask({ type: "change_object", object_id: object.object_id, name: null, colour: null, hidden: null, locked: null, [what]: !object[what] });
  }

  async remove() {
    const object = selected(this.store.get());
    if (!object) return;
    if (await this.ask({ type: "remove_object", object_id: object.object_id })) this.parts.tell("info", `Deleted ${object.name}. Ctrl+Z brings it back.`);
  }

  // --- files -------------------------------------------------------------------------------

  openExport() {
    const state = this.store.get();
    if (!state.session?.objects.length) this.parts.tell("info", "There is nothing to export yet: draw on a frame first.");
    else this.store.send({ type: "dialog", dialog: "export" });
  }

  /** A mask for this frame, from a file. @param {File} file */
  async importMask(file) {
    const { frame, object } = this.store.get();
    const connection = this.parts.connection();
    const why = this.whyNotDraw();
    if (why) this.parts.tell("info", why);
    if (!connection || why) return;
    try {
      const whole = await isIndexed(file);
      const target = whole || object === null ? (whole ? "" : "?object_id=1") : `?object_id=${object}`;
      await request("POST", `/api/session/${connection.key}/masks/${frame}${target}`, file);
      this.parts.tell("good", `${file.name} is the mask of frame ${frame} now: propagate it, or go on drawing.`);
    } catch (error) {
      this.parts.tell("error", `${file.name}: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** @param {1 | -1} step @param {(frame: number | null) => void} seek */
  annotated(step, seek) {
    const { session, frame } = this.store.get();
    const found = neighbour(session?.annotated ?? [], frame, step);
    if (found === null) this.parts.tell("info", `No annotated frame ${step > 0 ? "after" : "before"} this one.`);
    seek(found);
  }
}

/** Whether a PNG has a palette: then its numbers are object ids, else it is black and white. @param {File} file */
async function isIndexed(file) {
  const head = new Uint8Array(await file.slice(0, 26).arrayBuffer());
  return head.length > 25 && head[25] === 3;
}
