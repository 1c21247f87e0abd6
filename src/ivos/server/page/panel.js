// @ts-check
/** What stands at the right: objects, the frame, and the run. */

import { byId, icon, make, refill } from "./dom.js";
import { colourOf, css, fromHex, hex } from "./palette.js";
import { doubt } from "./review.js";
import { count, covers } from "./spans.js";
import { accepted, whyNotPropagate, workSpan } from "./state.js";
import { counted, frames, left, percent } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./timeline.js").Store} Store */
/** @typedef {import("./protocol.js").ObjectValue} ObjectValue */
/** @typedef {(wish: import("./api.js").Wish) => Promise<unknown>} Ask */
/** @typedef {(action: string) => void} Act */

/** @param {Store} store @param {Ask} ask @param {Act} act */
export function mountObjects(store, ask, act) {
  const list = byId("objects", HTMLUListElement);
  const draw = (/** @type {State} */ state) => {
    const typing = document.activeElement?.classList.contains("rename") ?? false;
    if (state.renaming !== null && typing) return; // what is being typed is not thrown away
    const objects = state.session?.objects ?? [];
    if (objects.length === 0) {
      list.replaceChildren(make("li", { class: "empty" }, "None yet. Draw on the frame, and the first object is made for you."));
      return;
    }
    const coming = state.object !== null && !objects.some((object) => object.object_id === state.object);
    refill(list, ...objects.map((object) => row(object, state)), ...(coming ? [make("li", { class: "object on" }, make("span"), make("span", { class: "name" }, `Object ${state.object}`, make("small", {}, "made by its first stroke")))] : []));
  };
  /** @param {ObjectValue} object @param {State} state */
  const row = (object, state) => {
    const id = object.object_id;
    const change = (/** @type {Partial<{ name: string, colour: [number, number, number], hidden: boolean, locked: boolean }>} */ what) =>
      ask({ type: "change_object", object_id: id, name: null, colour: null, hidden: null, locked: null, ...what });
    const swatch = make("input", {
      type: "color", class: "swatch", "data-key": `colour ${id}`, value: hex(colourOf(state.palette, object)), "aria-label": `Colour of ${object.name}`, "data-tip": "Colour",
      onchange: (/** @type {Event} */ event) => change({ colour: fromHex(/** @type {HTMLInputElement} */ (event.target).value) }),
    });
    const quiet = (/** @type {boolean} */ on) => (on ? "icon" : "icon quiet");
    const item = make("li", { class: `object${id === state.object ? " on" : ""}${object.hidden ? " off" : ""}`, "data-object": id },
      swatch,
      state.renaming === id ? renamer(object, change) : nameButton(object, state),
      make("button", { class: quiet(object.hidden), "data-key": `hide ${id}`, "aria-pressed": object.hidden ? "true" : "false", "aria-label": `Hide ${object.name}`, "data-tip": object.hidden ? "Show" : "Hide", "data-keys": "hide", onclick: () => change({ hidden: !object.hidden }) }, icon(object.hidden ? "eyeoff" : "eye")),
      make("button", { class: quiet(object.locked), "data-key": `lock ${id}`, "aria-pressed": object.locked ? "true" : "false", "aria-label": `Lock ${object.name}`, "data-tip": object.locked ? "Unlock: strokes and propagation may change it again" : "Lock: nothing changes it", "data-keys": "lock", onclick: () => change({ locked: !object.locked }) }, icon(object.locked ? "lock" : "unlock")),
      make("button", { class: "icon quiet", "data-key": `delete ${id}`, "aria-label": `Delete ${object.name}`, "data-tip": "Delete (can be undone)", "data-keys": "remove", onclick: () => { store.send({ type: "select", object: id }); act("remove"); } }, icon("bin")),
    );
    return item;
  };
  /** @param {ObjectValue} object @param {State} state */
  const nameButton = (object, state) => {
    const masked = count(object.masked);
    const about = masked === 0 ? "no mask yet" : `${masked} of ${counted(state.video?.frames ?? 0, "frame")}`;
    return make("button", {
      class: "name", "data-key": `name ${object.object_id}`, "aria-pressed": object.object_id === state.object ? "true" : "false", "data-tip": "Select; double-click to rename", "data-keys": "rename",
      onclick: () => store.send({ type: "select", object: object.object_id }),
      ondblclick: () => store.send({ type: "rename", object: object.object_id }),
    }, object.name, make("small", {}, about));
  };
  /** @param {ObjectValue} object @param {(what: { name: string }) => Promise<unknown>} change */
  const renamer = (object, change) => {
    const field = make("input", { class: "rename", value: object.name, maxlength: 80, "aria-label": "Name" });
    const finish = (/** @type {boolean} */ keep) => {
      if (store.get().renaming === null) return;
      const name = field.value.trim();
      field.classList.remove("rename");
      store.send({ type: "rename", object: null });
      if (keep && name && name !== object.name) change({ name });
    };
    field.addEventListener("blur", () => finish(true));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") finish(false);
      event.stopPropagation();
    });
    queueMicrotask(() => { // once it stands in the page
      field.focus();
      field.select();
    });
    return field;
  };
  store.watch((s) => [s.session?.objects, s.object, s.renaming, s.palette, s.driving], draw);
  const show = () => list.querySelector(".on")?.scrollIntoView({ block: "nearest" });
  store.watch((s) => [s.object, s.session?.objects.length], show);
  new ResizeObserver(show).observe(list);
}

/** What is known of the frame on screen. @param {Store} store @param {Act} act */
export function mountFrame(store, act) {
  const card = byId("framecard", HTMLDivElement);
  store.watch((s) => [s.frame, s.session, s.review, s.driving], (state) => {
    const { session, frame } = state;
    const objects = session?.objects ?? [];
    const list = make("dl", { class: "facts" });
    const say = (/** @type {string} */ term, /** @type {string} */ text) => list.append(make("dt", {}, term), make("dd", {}, text));
    const annotated = session?.annotated.includes(frame) ?? false;
    const open = session?.open.some((one) => one.frame === frame) ?? false;
    const masked = objects.some((object) => covers(object.masked, frame));
    say("Mask", annotated ? (open ? "drawn, not yet propagated" : "drawn by you") : masked ? "propagated" : "none yet");
    for (const object of objects.slice(0, 4)) {
      const track = state.review[object.object_id];
      const unsure = track ? doubt(track, frame) : null;
      if (unsure !== null) say(object.name, `${percent(1 - unsure)} sure`);
    }
    const locked = accepted(state, frame);
    const button = make("button", {
      class: `flat${locked ? " set" : ""}`, "data-key": "accept", "data-tip": locked ? "Let propagation change this frame again" : "Lock this frame: no propagation changes it any more",
      "data-keys": "accept", "aria-pressed": locked ? "true" : "false", disabled: !masked || !state.driving, onclick: () => act("accept"),
    }, locked ? "✓ Accepted" : "Accept frame");
    refill(card, list, make("div", { class: "row" }, button));
  });
}

/** Propagation: start it, watch it, stop it. @param {Store} store @param {Act} act */
export function mountRun(store, act) {
  const card = byId("runcard", HTMLDivElement);
  const progress = (/** @type {State} */ { run }) => {
    const bar = card.querySelector("i");
    if (!run || !bar) return;
    bar.style.width = `${(100 * run.done) / Math.max(1, run.total)}%`;
    bar.parentElement?.setAttribute("aria-valuenow", String(run.done));
    bar.parentElement?.setAttribute("aria-valuemax", String(run.total));
    /** @type {HTMLElement} */ (card.querySelector(".runwords")).textContent = run.total === 0 ? "One moment…" : `${run.done} of ${run.total} · ${left(run.seconds_left)}`;
  };
  store.watch((s) => [s.run?.title, s.stopping, s.acrossCuts, s.session?.cuts.length, s.session?.annotated.length, s.session?.open, s.connected, s.driving, s.markIn, s.markOut, s.session?.waiting], (state) => {
    refill(card, ...(state.run ? running(state, act) : ready(state, act, store)));
    progress(state);
  });
  store.watch((s) => [s.run], progress);
}

/** @param {State} state @param {Act} act @param {Store} store */
function ready(state, act, store) {
  const why = whyNotPropagate(state);
  const span = workSpan(state);
  const bounded = state.markIn !== null || state.markOut !== null;
  const main = make("button", { class: "primary wide", id: "propagate", "data-key": "run", disabled: why !== null, "data-tip": "Carry the masks through the video, both ways", "data-keys": "both", onclick: () => act("both") },
    bounded ? `Propagate ${frames(span)}` : "Propagate");
  const one = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string} */ tip) =>
    make("button", { class: "flat", "data-key": name, disabled: why !== null, "data-tip": tip, "data-keys": name, onclick: () => act(name) }, text);
  const across = make("input", { type: "checkbox", "data-key": "across", checked: state.acrossCuts, onchange: (/** @type {Event} */ event) => store.send({ type: "across_cuts", on: /** @type {HTMLInputElement} */ (event.target).checked }) });
  const cuts = state.session?.cuts.length ?? 0;
  return [
    main,
    make("div", { class: "row" }, one("backward", "← Backward", "Only the frames before"), one("forward", "Forward →", "Only the frames after")),
    make("p", {}, why && state.connected && state.driving ? `${why}.` : bounded ? "Only between in and out." : "Stops at frames you drew on and at cuts; accepted frames never change."),
    ...(cuts > 0 ? [make("label", { class: "check", "data-tip": "Go on where another shot begins" }, across, `Across cuts (${counted(cuts, "cut")} found)`)] : []),
  ];
}

/** @param {State} state @param {Act} act */
function running(state, act) {
  const run = /** @type {import("./protocol.js").RunValue} */ (state.run);
  const waiting = state.session?.waiting ?? 0;
  return [
    make("div", {}, run.title),
    make("div", { class: "meter", role: "progressbar", "aria-label": run.title, "aria-valuemin": 0 }, make("i")),
    make("p", { class: "runwords", "aria-live": "off" }, ""),
    make("button", { class: "flat wide", id: "cancel", "data-key": "run", disabled: state.stopping, "data-tip": "Stop; what is done is kept", "data-keys": "cancel", onclick: () => act("cancel") }, state.stopping ? "Stopping…" : "Cancel"),
    make("p", {}, waiting > 0 ? `${counted(waiting, "stroke")} waiting: answered when the run is over.` : "You can go on drawing meanwhile."),
  ];
}

/** @param {State} state @param {number} object */
export function chip(state, object) {
  const dot = make("i");
  const found = state.session?.objects.find((other) => other.object_id === object);
  if (found) dot.style.background = css(colourOf(state.palette, found));
  return dot;
}
