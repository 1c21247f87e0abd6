// @ts-check
/** Making and finding elements; nothing here knows what they are for. */

import { ICONS } from "./icons.js";

/** An element of the page by its id; the page is ours, so it is there.
 * @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${kind.name} called ${id}`);
  return found;
}

/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Attribute */

/** An element with attributes and children. `on…` are listeners, `class` and others are attributes,
 * false, null and undefined leave an attribute out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, Attribute>} [attributes] @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]} */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Fill a box anew. The control in it that had the keyboard has it again: the one of the same `data-key`,
 * or, where there is none now, the box, so that Tab goes on from here. @param {HTMLElement} box @param {...Node} children */
export function refill(box, ...children) {
  const active = document.activeElement;
  const had = active instanceof HTMLElement && active !== box && box.contains(active) ? active.dataset["key"] : undefined;
  box.replaceChildren(...children);
  if (had === undefined) return;
  const same = /** @type {HTMLElement | null} */ (box.querySelector(`[data-key="${had}"]:not(:disabled)`));
  box.tabIndex = -1;
  (same ?? box).focus({ preventScroll: true });
}

/** One of our icons. @param {string} name */
export function icon(name) {
  const holder = document.createElement("span");
  holder.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name] ?? ""}</svg>`;
  return /** @type {SVGElement} */ (holder.firstElementChild);
}

/** Fill every `data-icon` below an element. @param {ParentNode} root */
export function placeIcons(root) {
  for (const element of root.querySelectorAll("[data-icon]")) {
    element.replaceChildren(icon(element.getAttribute("data-icon") ?? ""));
  }
}

/** Size a canvas to its box in device pixels; its context is scaled so that units are CSS pixels.
 * @param {HTMLCanvasElement} canvas @returns {{ context: CanvasRenderingContext2D, width: number, height: number, ratio: number }} */
export function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const wide = Math.max(1, Math.round(width * ratio));
  const high = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, ratio };
}

/** Calls a function at most once a screen refresh. @param {() => void} draw */
export function eachRefresh(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
