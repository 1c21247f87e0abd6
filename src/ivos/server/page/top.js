// @ts-check
/** Bars and rails: the view, the tools, the transport, and the bar for comparing. */

import { byId, icon, make, refill } from "./dom.js";
import { moveAmong } from "./dialogs.js";
import { strokeColours } from "./palette.js";
import { change } from "./review.js";
import { clipped, covers, count } from "./spans.js";
import { workSpan } from "./state.js";
import { clock, counted, frames, percent, timeOf } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./timeline.js").Store} Store */

const LOOKS = [["overlay", "Overlay", "Masks in colour over the frame"], ["outline", "Outline", "Only the outlines"], ["alpha", "Cut out", "What will be cut out, on a checkerboard"], ["matte", "Matte", "The matte: white is the object"], ["source", "Source", "The frame alone"]];
const TOOLS = [["scribble", "Scribble: draw over the object; right button: not the object"], ["click", "Click on the object; right button: not the object"], ["box", "Box around the object"], ["brush", "Brush: paint exact pixels; right button erases"], ["eraser", "Eraser: take exact pixels away"], ["pan", "Move the view"]];

/** @param {Store} store @param {(action: string) => void} act */
export function mountTop(store, act) {
  mountChoices(byId("looks", HTMLDivElement), LOOKS.map(([name, title, tip]) => make("button", { role: "radio", "data-tip": tip, "data-keys": name, "data-name": name, onclick: () => act(name ?? "") }, title ?? "")), (choose) => store.watch((s) => [s.look], (s) => choose(s.look)));
  mountChoices(byId("tools", HTMLDivElement), TOOLS.map(([name, tip]) => make("button", { role: "radio", "aria-label": tip?.split(":")[0], "data-tip": tip, "data-keys": name, "data-name": name, onclick: () => act(name ?? "") }, icon(name ?? ""))), (choose) => store.watch((s) => [s.tool], (s) => choose(s.tool)));
  const opacity = byId("opacity", HTMLInputElement);
  opacity.addEventListener("input", () => store.send({ type: "opacity", opacity: Number(opacity.value) / 100 }));
  store.watch((s) => [s.opacity], (s) => { opacity.value = String(Math.round(s.opacity * 100)); });
  const palette = byId("palette", HTMLButtonElement);
  palette.addEventListener("click", () => store.send({ type: "palette", palette: store.get().palette === "safe" ? "project" : "safe" }));
  store.watch((s) => [s.palette], (s) => palette.setAttribute("aria-pressed", String(s.palette === "safe")));
  mountSign(store);
  mountProject(store);
}

/** Radio buttons of which one is on. @param {HTMLElement} box @param {HTMLButtonElement[]} buttons @param {(choose: (name: string) => void) => void} follow */
function mountChoices(box, buttons, follow) {
  box.replaceChildren(...buttons);
  box.addEventListener("keydown", (event) => moveAmong(box, event));
  follow((name) => {
    for (const button of buttons) {
      const on = button.dataset.name === name;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  });
}

/** @param {Store} store */
function mountSign(store) {
  const sign = byId("sign", HTMLButtonElement);
  const box = byId("brushbox", HTMLDivElement);
  const slider = byId("brush", HTMLInputElement);
  const size = byId("brushsize", HTMLOutputElement);
  store.watch((s) => [s.positive, s.palette, s.tool], ({ positive, palette, tool }) => {
    const colours = strokeColours(palette);
    sign.textContent = positive ? "+" : "−";
    sign.style.color = positive ? colours.positive : colours.negative;
    sign.dataset.tip = positive ? "Strokes include. Press to exclude" : "Strokes exclude. Press to include";
    sign.setAttribute("aria-label", positive ? "Strokes include" : "Strokes exclude");
    sign.disabled = tool !== "scribble" && tool !== "click";
    box.hidden = tool !== "brush" && tool !== "eraser";
  });
  slider.addEventListener("input", () => store.send({ type: "brush", diameter: Number(slider.value) }));
  store.watch((s) => [s.brush], ({ brush }) => {
    slider.value = String(brush);
    size.textContent = `${brush} px`;
  });
}

/** What becomes of the strokes that are on their way. @param {State["pending"]} pending */
function answering(pending) {
  const waiting = pending.filter((one) => one.kept).length;
  if (pending.length > waiting) return "answering…";
  return waiting > 0 ? `${counted(waiting, "stroke")} ${waiting === 1 ? "waits" : "wait"} for the run` : "";
}

/** @param {Store} store */
function mountProject(store) {
  const name = byId("name", HTMLElement);
  const saved = byId("saved", HTMLElement);
  store.watch((s) => [s.video, s.project, s.session?.head, s.connected, s.pending], (state) => {
    if (!state.video) return;
    name.textContent = state.video.name;
    document.title = `${state.video.name} · ivos`;
    saved.textContent = !state.connected ? "not connected" : answering(state.pending) || `${state.project} · saved`;
  });
  for (const way of /** @type {const} */ (["undo", "redo"])) {
    const button = byId(way, HTMLButtonElement);
    store.watch((s) => [s.session?.[way], s.driving, s.run === null], (state) => {
      const title = state.session?.[way];
      button.disabled = !title || !state.driving || state.run !== null;
      button.dataset.tip = title ? `${way === "undo" ? "Undo" : "Redo"}: ${title}` : `Nothing to ${way}`;
    });
  }
}

/** @param {Store} store */
export function mountTransport(store) {
  const field = byId("frameno", HTMLInputElement);
  const play = byId("play", HTMLButtonElement);
  store.watch((s) => [s.frame, s.video], ({ frame, video }) => {
    if (!video) return;
    if (document.activeElement !== field) field.value = String(frame);
    byId("of", HTMLElement).textContent = `of ${video.frames - 1}`;
    byId("time", HTMLElement).textContent = clock(timeOf(video, frame));
  });
  field.addEventListener("change", () => {
    const frame = Number(field.value);
    if (Number.isFinite(frame)) store.send({ type: "seek", frame });
    field.value = String(store.get().frame);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") field.blur();
    event.stopPropagation();
  });
  store.watch((s) => [s.playing], ({ playing }) => {
    play.replaceChildren(icon(playing ? "pause" : "play"));
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
  });
  store.watch((s) => [s.markIn, s.markOut], ({ markIn, markOut }) => {
    for (const [id, word, mark] of /** @type {[string, string, number | null][]} */ ([["markin", "In", markIn], ["markout", "Out", markOut]])) {
      const button = byId(id, HTMLButtonElement);
      button.textContent = mark === null ? word : `${word} ${mark}`;
      button.classList.toggle("set", mark !== null);
    }
    byId("clearmarks", HTMLButtonElement).disabled = markIn === null && markOut === null;
  });
  store.watch((s) => [s.compare, s.session?.last_run], ({ compare, session }) => {
    const button = byId("compare", HTMLButtonElement);
    button.setAttribute("aria-pressed", String(compare));
    button.disabled = session?.last_run == null;
  });
  store.watch((s) => [s.session?.rounds, s.run === null], ({ session, run }) => {
    byId("check", HTMLButtonElement).disabled = !session?.rounds || run !== null;
  });
  mountLegend(store);
}

/** @param {Store} store */
function mountLegend(store) {
  const legend = byId("legend", HTMLElement);
  const key = (/** @type {string} */ colour, /** @type {string} */ text) => {
    const box = make("i");
    box.style.background = colour;
    return make("span", {}, box, text);
  };
  store.watch((s) => [(s.session?.rounds ?? 0) > 0], (state) => {
    legend.replaceChildren(...((state.session?.rounds ?? 0) > 0 ? [key("linear-gradient(90deg, #1a2b3a, #f7b955, #fff0be)", "sure → unsure"), key("#c99bff", "changed in the last round")] : []));
  });
}

/** Before and after: the divider, and what to do with the difference.
 * @param {Store} store @param {{ accept: (span: [number, number]) => void, reject: (span: [number, number]) => void }} actions */
export function mountCompare(store, actions) {
  const bar = byId("comparebar", HTMLDivElement);
  const wipe = byId("wipe", HTMLDivElement);
  store.watch((s) => [s.compare, s.frame, s.session, s.review, s.markIn, s.markOut], (state) => {
    bar.hidden = !state.compare;
    if (!state.compare || !state.session) return;
    const span = workSpan(state);
    const changed = clipped(state.session.last_run_frames, span);
    const here = Math.max(0, ...state.session.objects.map((object) => change(state.review[object.object_id] ?? { confidence: new Uint8Array(), change: new Uint8Array() }, state.frame) ?? 0));
    const touched = covers(state.session.last_run_frames, state.frame);
    const whole = /** @type {[number, number]} */ ([changed[0]?.[0] ?? 0, changed.at(-1)?.[1] ?? 1]);
    const bounded = state.markIn !== null || state.markOut !== null;
    refill(bar,
      make("span", {}, touched ? `This frame: ${percent(here)} changed` : "The last round left this frame as it was"),
      make("button", { class: "flat", "data-key": "here", disabled: !touched, "data-tip": "Put the mask from before the round back on this frame", "data-keys": "reject", onclick: () => actions.reject([state.frame, state.frame + 1]) }, "Put back here"),
      make("button", { class: "flat", "data-key": "back", disabled: changed.length === 0, "data-tip": bounded ? "On all changed frames between in and out" : "On all frames that the round changed; set in and out for a part", onclick: () => actions.reject(whole) }, `Put back ${bounded ? frames(whole) : counted(count(changed), "frame")}`),
      make("button", { class: "flat", "data-key": "accept", disabled: changed.length === 0, "data-tip": "Accept: lock these frames, no propagation changes them any more", onclick: () => actions.accept(whole) }, `Accept ${bounded ? frames(whole) : counted(count(changed), "frame")}`),
    );
  });
  store.watch((s) => [s.compare, s.wipe], (state) => {
    wipe.hidden = !state.compare;
    wipe.style.left = `${state.wipe * 100}%`;
    wipe.setAttribute("aria-valuenow", String(Math.round(state.wipe * 100)));
  });
  const move = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {HTMLElement} */ (wipe.parentElement).getBoundingClientRect();
    store.send({ type: "wipe", at: (event.clientX - box.left) / box.width });
  };
  wipe.addEventListener("pointerdown", (event) => {
    wipe.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  wipe.addEventListener("pointermove", (event) => wipe.hasPointerCapture(event.pointerId) && move(event));
  wipe.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowLeft" ? -0.05 : event.key === "ArrowRight" ? 0.05 : 0;
    if (step === 0) return;
    store.send({ type: "wipe", at: store.get().wipe + step });
    event.stopPropagation();
    event.preventDefault();
  });
}
