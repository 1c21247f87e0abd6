// @ts-check
/** Short words to the person: toasts, tooltips, the notice bar, and the hint over an untouched frame. */

import { byId, icon, make } from "./dom.js";
import { keysOf, spelled } from "./keys.js";

/** @typedef {import("./timeline.js").Store} Store */
/** @typedef {import("./keys.js").Bindings} Bindings */

let number = 0;

/** @param {Store} store @returns {import("./actions.js").Tell} */
export function mountToasts(store) {
  const box = byId("toasts", HTMLDivElement);
  store.watch((s) => [s.toasts], ({ toasts }) => {
    box.replaceChildren(
      ...toasts.map((toast) =>
        make("div", { class: `toast ${toast.kind}`, role: toast.kind === "error" ? "alert" : null },
          make("p", {}, toast.text),
          toast.link ? make("a", { href: toast.link, download: "" }, "Download") : null,
          make("button", { class: "icon", "aria-label": "Dismiss", onclick: () => store.send({ type: "forget_toast", id: toast.id }) }, icon("close")),
        ),
      ),
    );
  });
  return (kind, text, link) => {
    const id = ++number;
    store.send({ type: "toast", toast: { id, kind, text, ...(link ? { link } : {}) } });
    if (!link) setTimeout(() => store.send({ type: "forget_toast", id }), kind === "error" ? 9000 : 3600);
  };
}

/** Tooltips for everything with `data-tip`, with the keys of its action. @param {() => Bindings} bindings */
export function mountTips(bindings) {
  const tip = byId("tip", HTMLDivElement);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const hide = () => {
    clearTimeout(timer);
    tip.hidden = true;
  };
  const show = (/** @type {HTMLElement} */ target) => {
    const actions = (target.dataset.keys ?? target.dataset.action ?? "").split(" ").filter(Boolean);
    const keys = actions.flatMap((action) => keysOf(bindings(), action).slice(0, 1)).map((key) => make("kbd", {}, spelled(key)));
    tip.replaceChildren(target.dataset.tip ?? "", ...keys);
    place(tip, target);
  };
  document.addEventListener("pointerover", (event) => {
    const target = /** @type {HTMLElement} */ (event.target).closest?.("[data-tip]");
    hide();
    if (target instanceof HTMLElement && event.pointerType !== "touch") timer = setTimeout(() => target.isConnected && show(target), 450);
  });
  document.addEventListener("focusin", (event) => {
    const target = event.target;
    if (target instanceof HTMLElement && target.dataset.tip && target.matches(":focus-visible")) show(target);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("pointerdown", hide, true);
  document.addEventListener("keydown", hide, true);
}

/** @param {HTMLElement} tip @param {HTMLElement} target */
function place(tip, target) {
  tip.hidden = false;
  const at = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const below = at.bottom + 8 + height < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, at.left + at.width / 2 - width / 2))}px`;
  tip.style.top = `${below ? at.bottom + 8 : at.top - height - 8}px`;
}

/** A tooltip at a place, for what has no element of its own; null hides it. @param {string | null} text @param {number} x @param {number} y its lower edge */
export function tipAt(text, x, y) {
  const tip = byId("tip", HTMLDivElement);
  tip.hidden = text === null;
  if (text === null) return;
  tip.replaceChildren(text);
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, x - width / 2))}px`;
  tip.style.top = `${y - height - 6}px`;
}

/** What to do first, while there is nothing yet. @param {Store} store */
export function mountHint(store) {
  const hint = byId("hint", HTMLDivElement);
  const words = (/** @type {string} */ text) => {
    const span = make("span");
    for (const part of text.split(/(\*[^*]+\*)/)) span.append(part.startsWith("*") ? make("b", {}, part.slice(1, -1)) : part);
    return span;
  };
  store.watch((s) => [s.session, s.tool, s.run === null, s.pending.length, s.playing, s.compare], ({ session, tool, run, pending, playing, compare }) => {
    const drawn = (session?.annotated.length ?? 0) > 0;
    const round = session?.rounds ?? 0;
    let text = "";
    if (!session || run || playing || compare || pending.length > 0) text = "";
    else if (!drawn && tool === "pan") text = "Drag to move the view, scroll to zoom. Press *S* to draw.";
    else if (!drawn) text = `*${tool === "click" ? "Click on" : tool === "box" ? "Drag a box around" : tool === "brush" || tool === "eraser" ? "Paint" : "Draw a short line over"}* what you want to cut out; *right button*: what not.`;
    else if (round === 0) text = "*Propagate* (T), or draw more; *right button* takes away.";
    hint.hidden = text === "";
    hint.replaceChildren(words(text));
  });
}

/** The bar at the top: no connection, or another tab works here. @param {Store} store @param {() => void} takeOver */
export function mountNotice(store, takeOver) {
  const notice = byId("notice", HTMLDivElement);
  store.watch((s) => [s.phase, s.connected, s.driving], ({ phase, connected, driving }) => {
    notice.hidden = phase !== "working" || (connected && driving);
    document.body.classList.toggle("noticed", !notice.hidden);
    if (notice.hidden) return;
    if (!connected) {
      notice.replaceChildren(make("span", {}, "The server does not answer. Every step is on disk, and so are strokes that wait for a run; this page goes on as soon as `ivos serve` runs again."));
      return;
    }
    notice.replaceChildren(
      make("span", {}, "This project is being worked on in another tab. Here you can look."),
      make("button", { id: "takeover", onclick: takeOver }, "Take over"),
    );
  });
}
