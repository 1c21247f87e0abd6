// @ts-check
/** What the page knows, and how it changes. Pure: no DOM, no network, so `node --test` covers it. */

import { emptyTrack, fromBase64, withValues } from "./review.js";
import { count, covers, withFrame } from "./spans.js";

/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {import("./protocol.js").Snapshot} Snapshot */
/** @typedef {import("./protocol.js").VideoValue} VideoValue */
/** @typedef {import("./protocol.js").RunValue} RunValue */
/** @typedef {import("./protocol.js").PromptValue} PromptValue */
/** @typedef {import("./protocol.js").ObjectValue} ObjectValue */
/** @typedef {import("./review.js").Track} Track */
/** @typedef {"scribble" | "click" | "box" | "brush" | "eraser" | "pan"} Tool */
/** @typedef {"overlay" | "outline" | "alpha" | "matte" | "source"} Look */
/** @typedef {"shortcuts" | "export" | "open" | "history" | null} Dialog */
/** @typedef {{ id: number, kind: "error" | "good" | "info", text: string, link?: string }} Toast */
/** @typedef {{ id: number, frame: number, object: number, prompts: PromptValue[], kept?: boolean }} Pending a stroke, of
 *   the brush where it has no prompts; `kept`: waits for the end of a run */

/** @typedef {object} State
 * @property {"starting" | "choosing" | "working" | "refused"} phase
 * @property {string} problem why the server refused, in one line
 * @property {boolean} connected
 * @property {boolean} driving whether this page may change the project
 * @property {VideoValue | null} video
 * @property {string} project
 * @property {string} network
 * @property {Snapshot | null} session
 * @property {Record<number, Track>} review by object id
 * @property {RunValue | null} run
 * @property {boolean} stopping whether that was asked to stop
 * @property {number} frame
 * @property {boolean} playing
 * @property {boolean} drawing whether a stroke is being drawn: the frame stays what it is until it is over
 * @property {number | null} markIn first frame of the span that is worked on
 * @property {number | null} markOut last frame of it
 * @property {Tool} tool
 * @property {boolean} positive
 * @property {number} brush diameter in image pixels
 * @property {number | null} object the selected one
 * @property {number | null} renaming the object whose name is being changed
 * @property {Look} look
 * @property {number} opacity 0..1
 * @property {import("./palette.js").Palette} palette
 * @property {boolean} acrossCuts whether propagation goes on where another shot begins
 * @property {boolean} compare
 * @property {number} wipe 0..1: where before ends and after begins
 * @property {readonly number[]} checked frames that "next to check" has shown since the last run
 * @property {readonly Pending[]} pending strokes that the server has not answered
 * @property {Dialog} dialog
 * @property {readonly Toast[]} toasts
 * @property {number} masks grows when masks that the page has may be out of date
 */

/** @type {State} */
export const START = {
  phase: "starting",
  problem: "",
  connected: false,
  driving: true,
  video: null,
  project: "",
  network: "",
  session: null,
  review: {},
  run: null,
  stopping: false,
  frame: 0,
  playing: false,
  drawing: false,
  markIn: null,
  markOut: null,
  tool: "scribble",
  positive: true,
  brush: 24,
  object: null,
  renaming: null,
  look: "overlay",
  opacity: 0.5,
  palette: "project",
  acrossCuts: false,
  compare: false,
  wipe: 0.5,
  checked: [],
  pending: [],
  dialog: null,
  toasts: [],
  masks: 0,
};

/** @typedef {{ type: "server", event: ServerEvent }
 *   | { type: "choose" }
 *   | { type: "connection", on: boolean }
 *   | { type: "refuse", problem: string }
 *   | { type: "seek", frame: number }
 *   | { type: "play", on: boolean }
 *   | { type: "draw", on: boolean }
 *   | { type: "mark", end: "in" | "out" | "none", frame: number }
 *   | { type: "tool", tool: Tool }
 *   | { type: "positive", positive: boolean }
 *   | { type: "brush", diameter: number }
 *   | { type: "select", object: number | null }
 *   | { type: "rename", object: number | null }
 *   | { type: "look", look: Look }
 *   | { type: "opacity", opacity: number }
 *   | { type: "palette", palette: import("./palette.js").Palette }
 *   | { type: "across_cuts", on: boolean }
 *   | { type: "compare", on: boolean }
 *   | { type: "wipe", at: number }
 *   | { type: "check", frame: number, again: boolean }
 *   | { type: "stop" }
 *   | { type: "sent", stroke: Pending }
 *   | { type: "dialog", dialog: Dialog }
 *   | { type: "toast", toast: Toast }
 *   | { type: "forget_toast", id: number }} Event */

/** The state after an event. @param {State} state @param {Event} event @returns {State} */
export function next(state, event) {
  switch (event.type) {
    case "server":
      return heard(state, event.event);
    case "choose":
      return { ...START, phase: "choosing", palette: state.palette, opacity: state.opacity, toasts: state.toasts };
    case "connection":
      return { ...state, connected: event.on, pending: event.on ? state.pending : [] };
    case "refuse":
      return { ...state, phase: "refused", problem: event.problem, playing: false };
    case "seek":
      return state.drawing ? state : { ...state, frame: held(event.frame, state.video) };
    case "play":
      return { ...state, playing: event.on && !state.drawing };
    case "draw":
      return { ...state, drawing: event.on, playing: state.playing && !event.on };
    case "mark":
      return marked(state, event);
    case "tool":
      return { ...state, tool: event.tool };
    case "positive":
      return { ...state, positive: event.positive };
    case "brush":
      return { ...state, brush: Math.min(400, Math.max(1, Math.round(event.diameter))) };
    case "select":
      return { ...state, object: event.object };
    case "rename":
      return { ...state, renaming: event.object, object: event.object ?? state.object };
    case "look":
      return { ...state, look: event.look };
    case "opacity":
      return { ...state, opacity: Math.min(1, Math.max(0, event.opacity)) };
    case "palette":
      return { ...state, palette: event.palette };
    case "across_cuts":
      return { ...state, acrossCuts: event.on };
    case "compare":
      return { ...state, compare: event.on && state.session?.last_run != null };
    case "wipe":
      return { ...state, wipe: Math.min(1, Math.max(0, event.at)) };
    case "check":
      return state.drawing ? state : { ...state, frame: held(event.frame, state.video), checked: [...(event.again ? [] : state.checked), event.frame], playing: false };
    case "stop":
      return { ...state, stopping: state.run !== null };
    case "sent":
      return { ...state, pending: [...state.pending, event.stroke] };
    case "dialog":
      return { ...state, dialog: event.dialog, playing: event.dialog ? false : state.playing };
    case "toast":
      return { ...state, toasts: [...state.toasts.filter((t) => t.text !== event.toast.text), event.toast].slice(-4) };
    case "forget_toast":
      return { ...state, toasts: state.toasts.filter((toast) => toast.id !== event.id) };
  }
}

/** The state after a message of the server. @param {State} state @param {ServerEvent} message @returns {State} */
function heard(state, message) {
  switch (message.type) {
    case "refused":
      return { ...state, phase: "refused", problem: message.reason, playing: false };
    case "closed":
      return { ...state, phase: "refused", problem: message.reason, connected: false, playing: false };
    case "welcome":
      return welcomed(state, message);
    case "snapshot":
      return { ...withSnapshot(state, message), run: message.run, stopping: state.stopping && message.run !== null };
    case "review":
      return { ...state, review: withReview(state, message) };
    case "masks_changed":
      return { ...state, masks: state.masks + 1 };
    case "running":
      return withProgress(state, message.run);
    case "run_ended":
      return { ...state, run: null, stopping: false, checked: message.kind === "propagate" ? [] : state.checked };
    case "done":
      return { ...state, pending: state.pending.flatMap((one) => (one.id !== message.id ? [one] : message.waiting ? [{ ...one, kept: true }] : [])) };
    case "failed":
      return { ...state, pending: state.pending.filter((one) => one.id !== message.id) };
    case "driving":
      return { ...state, driving: message.driving };
  }
}

/** @param {State} state @param {import("./protocol.js").Welcome} message @returns {State} */
function welcomed(state, message) {
  const { video, project, network, driving } = message;
  const again = state.video !== null && state.project === project;
  return {
    ...state,
    phase: "working",
    connected: true,
    video,
    project,
    network,
    driving,
    frame: again ? held(state.frame, video) : 0,
    brush: again ? state.brush : Math.max(2, Math.round(video.height / 24)),
    session: again ? state.session : null,
    pending: [],
    stopping: false,
    review: {},
    dialog: again ? state.dialog : null,
    masks: state.masks + 1,
    toasts: again ? state.toasts : [],
  };
}

/** @param {State} state @param {Snapshot} session @returns {State} */
function withSnapshot(state, session) {
  const ids = session.objects.map((object) => object.object_id);
  const coming = session.run !== null || session.waiting > 0; // a new one is made when the run is over
  const known = state.object !== null && (coming || ids.includes(state.object));
  return {
    ...state,
    session,
    object: known ? state.object : ((state.session ? ids.at(-1) : ids[0]) ?? null),
    compare: state.compare && session.last_run !== null,
    pending: session.waiting > 0 ? state.pending : state.pending.filter((one) => !waited(state, one)),
  };
}

/** Whether a stroke was kept for after the run that is now over: the snapshot has it, or it failed.
 * @param {State} state @param {Pending} one */
function waited(state, one) {
  return (state.session?.waiting ?? 0) > 0 && one.kept === true;
}

/** The frame that a run has just done has a mask now. @param {State} state @param {RunValue} run @returns {State} */
function withProgress(state, run) {
  if (run.kind !== "propagate" || !state.session) return { ...state, run };
  const objects = state.session.objects.map((object) =>
    object.annotated.length === 0 ? object : { ...object, masked: withFrame(object.masked, run.frame) },
  );
  return { ...state, run, session: { ...state.session, objects } };
}

/** @param {State} state @param {import("./protocol.js").Review} message */
function withReview(state, message) {
  const track = state.review[message.object_id] ?? emptyTrack(state.video?.frames ?? 0);
  const values = withValues(track, message.start, fromBase64(message.confidence), fromBase64(message.change));
  return { ...state.review, [message.object_id]: values };
}

/** @param {State} state @param {{ end: "in" | "out" | "none", frame: number }} event @returns {State} */
function marked(state, { end, frame }) {
  if (end === "none") return { ...state, markIn: null, markOut: null };
  const at = held(frame, state.video);
  if (end === "in") {
    return { ...state, markIn: at, markOut: state.markOut !== null && state.markOut < at ? null : state.markOut };
  }
  return { ...state, markOut: at, markIn: state.markIn !== null && state.markIn > at ? null : state.markIn };
}

/** @param {number} frame @param {VideoValue | null} video */
function held(frame, video) {
  return Math.max(0, Math.min((video?.frames ?? 1) - 1, Math.round(frame)));
}

// --- questions about a state ---------------------------------------------------------------

/** The frames that the person works on, half open: between in and out, else all.
 * @param {State} state @returns {[number, number]} */
export function workSpan(state) {
  return [state.markIn ?? 0, state.markOut === null ? (state.video?.frames ?? 0) : state.markOut + 1];
}

/** @param {State} state @returns {ObjectValue | null} */
export function selected(state) {
  return state.session?.objects.find((object) => object.object_id === state.object) ?? null;
}

/** Whether every object is locked on a frame: it was accepted. @param {State} state @param {number} frame */
export function accepted(state, frame) {
  const objects = state.session?.objects ?? [];
  return objects.length > 0 && objects.every((object) => covers(object.locked_frames, frame));
}

/** Whether there is anything to look at again: an object that is annotated, locked, or locked on that frame is settled.
 * @param {State} state @param {number} object @param {number} frame */
export function settled(state, object, frame) {
  const one = state.session?.objects.find((other) => other.object_id === object);
  return !one || one.locked || one.hidden || one.annotated.includes(frame) || covers(one.locked_frames, frame);
}

/** The strokes to draw over a frame: the open round's, then those on their way. @param {State} state @param {number} frame @returns {PromptValue[]} */
export function strokesOn(state, frame) {
  const open = state.session?.open.find((one) => one.frame === frame)?.prompts ?? [];
  const sent = state.pending.filter((one) => one.frame === frame).flatMap((one) => one.prompts);
  return [...open, ...sent];
}

/** The lowest object number that is free: nothing has it, and no stroke that is on its way or waits. @param {State} state */
export function freeObject(state) {
  const taken = new Set(state.session?.objects.map((object) => object.object_id));
  for (const one of state.pending) taken.add(one.object);
  let id = 1;
  while (taken.has(id)) id++;
  return id;
}

/** The object that a new stroke is about: the selected one; where none is, that of the strokes on their way,
 * so that two quick ones make one object. @param {State} state */
export function objectToDraw(state) {
  return state.object ?? state.pending.at(-1)?.object ?? freeObject(state);
}

/** Why nothing can be propagated yet, or null where it can. @param {State} state */
export function whyNotPropagate(state) {
  if (!state.connected) return "The server is not connected";
  if (!state.driving) return "Another tab works on this project";
  if (state.run) return "A run is going on";
  if (!state.session || state.session.annotated.length === 0) return "Draw on a frame first: there is nothing to propagate";
  return null;
}

/** How many frames have a mask of any object. @param {State} state */
export function maskedFrames(state) {
  return Math.max(0, ...(state.session?.objects ?? []).map((object) => count(object.masked)));
}
