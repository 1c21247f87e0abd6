// @ts-check
/** Puts the parts together: the state, the server, the canvas, the panels and the keys. */

import { Actions } from "./actions.js";
import { Connection, request } from "./api.js";
import { mountDialogs } from "./dialogs.js";
import { byId, placeIcons } from "./dom.js";
import { mountFocus } from "./focus.js";
import { PRESETS, actionFor } from "./keys.js";
import { Masks } from "./masks.js";
import { mountHint, mountNotice, mountTips, mountToasts, tipAt } from "./notes.js";
import { Opening } from "./opening.js";
import { mountFrame, mountObjects, mountRun } from "./panel.js";
import { Pictures } from "./pictures.js";
import { Player, wantedAround } from "./player.js";
import { Pointer } from "./pointer.js";
import { Stage } from "./stage.js";
import { START, next } from "./state.js";
import { recall, remember, takeTab } from "./storage.js";
import { createStore } from "./store.js";
import { Timeline } from "./timeline.js";
import { mountCompare, mountTop, mountTransport } from "./top.js";
import { percent } from "./words.js";

/** @type {import("./timeline.js").Store} */
const store = createStore({ ...START, ...remembered() }, next);
const tab = takeTab();
window.addEventListener("pagehide", () => {
  const { project, frame } = store.get();
  remember("ivos-tab", { client: tab.client, project, frame });
});
window.addEventListener("pageshow", (event) => event.persisted && takeTab());
/** @type {Connection | null} */
let connection = null;
/** @type {Pictures | null} */
let pictures = null;
/** @type {Masks | null} */
let masks = null;
/** @type {import("./keys.js").Bindings} */
let bindings = storedKeys();

placeIcons(document);
const tell = mountToasts(store);
const stage = new Stage(byId("canvas", HTMLCanvasElement), store.get);
const actions = new Actions({
  store, stage, tell,
  connection: () => connection,
  masks: () => masks,
  dropGesture: () => pointer.drop(),
  pickMask: () => byId("pickmask", HTMLInputElement).click(),
});
const act = (/** @type {string} */ name) => actions.act(name);
const pointer = new Pointer(stage, store.get, {
  prompt: (kind, path, positive) => {
    timer.start();
    actions.prompt(kind, path, positive);
  },
  paint: (runs, erase) => {
    timer.start();
    actions.paint(runs, erase);
  },
  sizeBrush: (diameter) => store.send({ type: "brush", diameter }),
  hold: (on) => store.send({ type: "draw", on }),
  whyNot: () => actions.whyNotDraw(),
  explain: (text) => tell("info", text),
});
const timeline = new Timeline(byId("timeline", HTMLCanvasElement), byId("strips", HTMLCanvasElement), byId("stripnames", HTMLElement), store, (_, text, x, y) => tipAt(text, x, y));
new Player(store, (frame) => pictures?.has(frame) ?? false);
const opening = new Opening((key) => enter(key), () => store.get().phase === "working" && connection !== null);

mountTop(store, act);
mountTransport(store);
mountObjects(store, (wish) => actions.ask(wish), act);
mountFrame(store, act);
mountRun(store, act);
mountCompare(store, { accept: (span) => actions.accept(span), reject: (span) => actions.reject(span) });
mountHint(store);
mountTips(() => bindings);
mountNotice(store, () => actions.ask({ type: "take_over" }));
mountDialogs(store, {
  keyboard: { get: () => bindings, set: (chosen) => { bindings = chosen; remember("ivos-keys", chosen); } },
  kinds: () => request("GET", "/api/kinds"),
  export: (kind, options) => actions.send({ type: "export", kind, options }),
  goTo: async (steps) => {
    for (let step = 0; step < Math.abs(steps); step++) if (!(await actions.ask({ type: steps < 0 ? "undo" : "redo" }))) return;
  },
});

/** How long the last stroke took, from the button's release until the mask is on screen. */
const timer = {
  began: 0,
  start() {
    this.began = performance.now();
  },
  /** The mask is drawn: what is drawn is on screen after the next refresh. */
  stop() {
    const began = this.began;
    this.began = 0;
    if (began > 0) requestAnimationFrame(() => setTimeout(() => this.show(performance.now() - began)));
  },
  /** @param {number} took milliseconds */
  show(took) {
    const box = byId("answer", HTMLDivElement);
    box.textContent = `answered in ${Math.round(took)} ms`;
    box.dataset["ms"] = String(took);
    box.dataset["count"] = String(Number(box.dataset["count"] ?? 0) + 1);
    box.classList.add("on");
    clearTimeout(this.fade);
    this.fade = setTimeout(() => box.classList.remove("on"), 1600);
  },
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  fade: undefined,
};

// --- sessions ------------------------------------------------------------------------------

/** Open the session with this key in place of what is open. @param {string} key */
function enter(key) {
  leave();
  connection = new Connection(key, tab.client, {
    onEvent: (event) => heard(key, event),
    onMask: (mask) => {
      masks?.spoil([[mask.frame, mask.frame + 1]]); // its soft masks are others too
      masks?.keep(`labels/${mask.frame}`, mask);
      refresh();
      if (mask.frame !== store.get().frame) return;
      stage.drawNow();
      timer.stop();
    },
    onConnection: connected,
    onGone: () => begin(store.get().project),
  });
}

/** While the server is away nothing is asked of it but whether it is there. @param {boolean} on */
function connected(on) {
  store.send({ type: "connection", on });
  timeline.film.on = on;
  if (!on) pictures?.want([], pictures.height);
  stage.draw();
}

function leave() {
  connection?.close();
  pictures?.close();
  masks?.close();
  connection = pictures = masks = null;
  stage.pictures = stage.masks = null;
}

/** @param {string} key @param {import("./protocol.js").ServerEvent} event */
function heard(key, event) {
  if (event.type === "closed" && opening.busy) {
    leave(); // it was this page that opened another video
    return;
  }
  if (event.type === "welcome") welcome(key, event);
  if (event.type === "masks_changed") masks?.spoil(event.spans);
  if (event.type === "running" && event.run.kind === "propagate") masks?.spoil([[event.run.frame, event.run.frame + 1]]);
  store.send({ type: "server", event });
  if (event.type === "welcome") arrived(event.project);
  if (event.type === "run_ended") ended(key, event);
  if (event.type === "failed" && !connection?.asked.has(event.id)) tell("error", event.message);
  if (event.type === "closed" || event.type === "refused") leave();
  if (event.type === "masks_changed" || event.type === "running" || event.type === "snapshot") refresh();
}

/** The session is on screen; after a reload at the frame where this tab was. @param {string} project */
function arrived(project) {
  if (tab.project === project) store.send({ type: "seek", frame: tab.frame });
  tab.project = "";
  stage.fit();
}

/** @param {string} key @param {import("./protocol.js").Welcome} event */
function welcome(key, event) {
  if (event.project !== store.get().project) pointer.drop(); // a stroke belongs to its own video
  opening.hide();
  pictures?.close();
  masks?.close();
  pictures = new Pictures(key, event.video, () => stage.draw(), (frame, error) => frame === store.get().frame && tell("error", error.message));
  masks = new Masks(key, () => { refresh(); stage.draw(); }, (error) => store.get().connected && tell("error", error.message));
  stage.pictures = pictures;
  stage.masks = masks;
  timeline.film.on = true;
  timeline.film.open(key);
}

/** @param {string} key @param {import("./protocol.js").RunEnded} event */
function ended(key, event) {
  if (event.error) tell("error", event.error);
  else if (event.kind === "export" && event.result) tell("good", `Exported to ${event.folder}/${event.result}`, `/api/session/${key}/exports/${encodeURIComponent(event.result)}`);
  else if (event.kind === "export") tell("info", "The export was cancelled; nothing was written.");
  else if (event.cancelled) tell("info", `Stopped after ${event.done} frames; their masks are kept.`);
}

/** Ask for what the present frame needs: its picture and those around, its masks. */
function refresh() {
  const state = store.get();
  if (!state.video || !pictures || !state.connected) return;
  const height = state.playing ? Math.ceil(Math.min(state.video.height, state.video.height * stage.view.scale * devicePixelRatio)) : state.video.height;
  const step = [360, 540, 720, 1080].find((size) => size >= height) ?? state.video.height;
  pictures.want(wantedAround(state.frame, state.playing).slice(0, state.playing ? 24 : 7), step < state.video.height ? step : state.video.height);
  stage.wantMasks();
  if (state.playing) for (let ahead = 1; ahead <= 4; ahead++) masks?.want(`labels/${state.frame + ahead < state.video.frames ? state.frame + ahead : state.frame}`);
}

store.watch((s) => [s.frame, s.playing, s.look, s.compare, s.masks, s.session?.objects], refresh);
store.watch((s) => [s.frame, s.session, s.look, s.opacity, s.palette, s.compare, s.wipe, s.pending, s.tool, s.brush, s.object, s.playing], () => stage.draw());
store.watch((s) => [s.tool], () => pointer.setMood());
store.watch((s) => [s.session], ({ session }) => { document.body.dataset.undone = String((session?.steps.length ?? 0) - (session?.head ?? 0)); });
store.watch((s) => [s.opacity, s.palette], ({ opacity, palette }) => remember("ivos-view", { opacity, palette }));
stage.onDrawn = () => {
  const zoom = byId("zoom", HTMLButtonElement);
  const words = percent(stage.view.scale * devicePixelRatio);
  if (zoom.textContent !== words) zoom.textContent = words;
};

store.watch((s) => [s.phase, s.dialog === "open"], ({ phase, dialog, problem }) => {
  const choosing = phase === "choosing" || phase === "refused" || dialog === "open";
  document.body.dataset.phase = phase;
  byId("work", HTMLDivElement).hidden = choosing || phase === "starting";
  if (choosing) opening.show(phase === "refused" ? problem : "");
  else opening.hide();
  if (phase === "working" && !choosing) requestAnimationFrame(() => stage.canvas.focus({ preventScroll: true }));
});

opening.onBack = () => store.send({ type: "dialog", dialog: null });
opening.onDrop = (file) => {
  if (file.type === "image/png" && store.get().phase === "working") actions.importMask(file);
  else {
    store.send({ type: "dialog", dialog: "open" });
    opening.send(file);
  }
};
byId("pickmask", HTMLInputElement).addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const file = input.files?.[0];
  if (file) actions.importMask(file);
  input.value = "";
});

// --- keys and buttons ----------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest?.("button[data-action]");
  if (button instanceof HTMLButtonElement) act(button.dataset.action ?? "");
});
byId("history", HTMLButtonElement).addEventListener("click", () => act("history"));
mountFocus(byId("work", HTMLDivElement), stage.canvas);

window.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement && !["range", "checkbox", "color"].includes(event.target.type);
  if (typing || event.target instanceof HTMLSelectElement || store.get().phase !== "working") return;
  const name = actionFor(bindings, event);
  if (store.get().dialog && name !== "cancel" && name !== "shortcuts") return;
  const pressing = event.target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter");
  const sliding = event.target instanceof HTMLInputElement && event.key.startsWith("Arrow");
  if (pressing || sliding) return;
  if (name === "play") {
    // Space plays when it is let go without a drag: held, it moves the view
    event.preventDefault();
    if (!event.repeat) pointer.holdSpace(true);
    return;
  }
  if (name === null || (event.repeat && ["check", "both", "forward", "backward", "accept", "remove", "addObject"].includes(name))) return;
  if (act(name)) event.preventDefault();
});
window.addEventListener("keyup", (event) => {
  if (!pointer.space || actionFor(bindings, event) !== "play") return;
  pointer.holdSpace(false);
  if (!pointer.spaceUsed) act("play");
  pointer.spaceUsed = false;
});
window.addEventListener("blur", () => pointer.holdSpace(false));
// a ring around the frame is for those who walk the page by Tab; for all others it is in the way
window.addEventListener("keydown", (event) => event.key === "Tab" && document.body.classList.add("tabbing"), true);
window.addEventListener("pointerdown", () => document.body.classList.remove("tabbing"), true);

// --- start ---------------------------------------------------------------------------------

/** Find out what the server has open, and show it; or what can be opened.
 * @param {string} [before] the project that was open here until now */
async function begin(before = "") {
  try {
    const hello = await request("GET", "/api/hello");
    if (hello.key) enter(hello.key);
    else {
      store.send({ type: "choose" });
      opening.inUse = hello.in_use;
      const problem = hello.problem ?? (before && `the server was started again: open ${before} to go on`);
      if (problem) opening.show(problem);
    }
  } catch (error) {
    store.send({ type: "refuse", problem: /** @type {Error} */ (error).message });
  }
}

/** @returns {Partial<import("./state.js").State>} */
function remembered() {
  const { opacity, palette } = recall("ivos-view") ?? {};
  return { ...(typeof opacity === "number" ? { opacity } : {}), ...(palette === "safe" ? { palette } : {}) };
}

function storedKeys() {
  return recall("ivos-keys") ?? PRESETS["ivos"];
}

begin();
