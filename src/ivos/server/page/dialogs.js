// @ts-check
/** The dialogs: shortcuts, history, export. One is open at a time. */

import { byId, icon, make } from "./dom.js";
import { ACTIONS, PRESETS, combination, keysOf, rebound, spelled } from "./keys.js";
import { workSpan } from "./state.js";
import { recall, remember } from "./storage.js";
import { counted, frames } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./timeline.js").Store} Store */
/** @typedef {import("./keys.js").Bindings} Bindings */
/** @typedef {import("./protocol.js").KindValue} KindValue */
/** @typedef {{ get: () => Bindings, set: (bindings: Bindings) => void }} Keyboard */

/** @typedef {object} Wishes
 * @property {Keyboard} keyboard
 * @property {() => Promise<KindValue[]>} kinds
 * @property {(kind: string, options: Record<string, string | number | boolean | null>) => Promise<unknown>} export
 * @property {(steps: number) => void} goTo undo (below 0) or redo that many steps */

/** @param {Store} store @param {Wishes} wishes */
export function mountDialogs(store, wishes) {
  const dialog = byId("dialog", HTMLDialogElement);
  const close = () => store.send({ type: "dialog", dialog: null });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  store.watch((s) => [s.dialog], (state) => {
    if (state.dialog === null || state.dialog === "open") {
      if (dialog.open) dialog.close();
      return;
    }
    dialog.className = state.dialog === "history" ? "small" : "";
    if (state.dialog === "shortcuts") showShortcuts(dialog, wishes.keyboard, close);
    else if (state.dialog === "history") showHistory(dialog, state, wishes, close);
    else showExport(dialog, state, wishes, close);
    if (!dialog.open) dialog.showModal();
  });
  store.watch((s) => [s.session?.head, s.session?.steps], (state) => {
    if (state.dialog === "history") showHistory(dialog, state, wishes, close);
  });
}

/** @param {HTMLDialogElement} dialog @param {string} title @param {() => void} close @param {Node[]} extra @returns {HTMLElement} */
function head(dialog, title, close, ...extra) {
  const name = make("h2", { id: "dialogtitle" }, title);
  dialog.setAttribute("aria-labelledby", "dialogtitle");
  return make("div", { class: "dhead" }, name, make("span", { class: "spring" }), ...extra,
    make("button", { class: "icon", "aria-label": "Close", onclick: close }, icon("close")));
}

// --- shortcuts -----------------------------------------------------------------------------

/** @param {HTMLDialogElement} dialog @param {Keyboard} keyboard @param {() => void} close */
function showShortcuts(dialog, keyboard, close) {
  const again = () => showShortcuts(dialog, keyboard, close);
  const preset = make("select", {
    "aria-label": "Preset",
    onchange: (/** @type {Event} */ event) => {
      const name = /** @type {HTMLSelectElement} */ (event.target).value;
      const chosen = PRESETS[name];
      if (chosen) keyboard.set(chosen);
      again();
    },
  }, ...Object.keys(PRESETS).map((name) => make("option", { value: name, selected: same(PRESETS[name], keyboard.get()) }, `${name} keys`)));
  if (!Object.values(PRESETS).some((one) => same(one, keyboard.get()))) preset.prepend(make("option", { value: "", selected: true }, "Your own keys"));
  const sheet = make("div", { class: "sheet" });
  for (const group of new Set(ACTIONS.map((action) => action.group))) {
    const list = make("ul");
    for (const action of ACTIONS) {
      if (action.group !== group || /^object[2-9]$/.test(action.name)) continue;
      list.append(shortcut(action, keyboard, again));
    }
    sheet.append(make("section", {}, make("h3", {}, group), list));
  }
  sheet.append(mice());
  dialog.replaceChildren(
    head(dialog, "Shortcuts", close, make("span", { class: "dim" }, "Click a key to change it"), preset),
    make("div", { class: "dbody", tabindex: "0" }, sheet),
  );
}

/** @param {import("./keys.js").Action} action @param {Keyboard} keyboard @param {() => void} again */
function shortcut(action, keyboard, again) {
  const keys = keysOf(keyboard.get(), action.name).slice(0, 3);
  const button = make("button", { "aria-label": `Change the key of ${action.title}` }, ...(keys.length ? keys.map((key) => make("kbd", {}, spelled(key))) : [make("span", { class: "dim" }, "none")]));
  button.addEventListener("click", () => {
    button.classList.add("waiting");
    button.replaceChildren("press a key…");
    const take = (/** @type {KeyboardEvent} */ event) => {
      if (["Control", "Shift", "Alt", "Meta"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      button.removeEventListener("keydown", take, true);
      if (event.key !== "Escape") keyboard.set(rebound(keyboard.get(), action.name, combination(event)));
      again();
    };
    button.addEventListener("keydown", take, true);
    button.addEventListener("blur", () => again(), { once: true });
    button.focus();
  });
  const title = action.name === "object1" ? "Object 1 … 9" : action.title;
  return make("li", {}, make("span", {}, title), button);
}

function mice() {
  const list = make("dl", { class: "mice" });
  for (const [what, does] of [
    ["Left button", "Include (or what + and − say)"],
    ["Right button, or Alt", "Exclude; with the brush: erase"],
    ["Wheel", "Zoom; over the timeline: zoom in time"],
    ["Middle button, or Space", "Drag to move the view"],
    ["Ctrl and wheel", "Brush size"],
    ["Pen", "Draws; its other end erases; fingers move and zoom"],
  ]) list.append(make("dt", {}, what ?? ""), make("dd", {}, does ?? ""));
  return make("section", {}, make("h3", {}, "Mouse, pen and fingers"), list);
}

/** @param {Bindings | undefined} a @param {Bindings} b */
function same(a, b) {
  return JSON.stringify(Object.entries(a ?? {}).sort()) === JSON.stringify(Object.entries(b).sort());
}

// --- history -------------------------------------------------------------------------------

/** @param {HTMLDialogElement} dialog @param {State} state @param {Wishes} wishes @param {() => void} close */
function showHistory(dialog, state, wishes, close) {
  const steps = state.session?.steps ?? [];
  const at = state.session?.head ?? 0;
  const list = make("ul", { class: "steps" });
  for (const step of [...steps].reverse()) {
    const undone = step.number > at;
    list.append(make("li", { class: undone ? "undone" : step.number === at ? "now" : "" },
      make("span", { class: "dim" }, String(step.number)),
      make("span", {}, step.title),
      step.number === at ? make("span", { class: "dim" }, "now") : make("button", { class: "flat", onclick: () => wishes.goTo(step.number - at) }, undone ? "Redo to here" : "Back to here")));
  }
  if (steps.length === 0) list.append(make("li", {}, make("span"), make("span", { class: "dim" }, "Nothing was done yet.")));
  dialog.replaceChildren(
    head(dialog, "History", close),
    make("div", { class: "dbody", tabindex: "0" }, list),
    make("div", { class: "dfoot dim" }, "Kept in the project: it can be undone tomorrow as well."),
  );
}

// --- export --------------------------------------------------------------------------------

/** @param {HTMLDialogElement} dialog @param {State} state @param {Wishes} wishes @param {() => void} close */
async function showExport(dialog, state, wishes, close) {
  const list = make("div", { class: "kinds", role: "radiogroup", "aria-label": "What to export" });
  const choices = make("div", { class: "choices" });
  const start = make("button", { class: "primary", id: "startexport" }, "Export");
  const problem = make("p", { class: "dproblem", role: "alert" });
  const span = workSpan(state);
  const bounded = state.markIn !== null || state.markOut !== null;
  const where = make("span", { class: "dim" }, bounded ? `Only ${frames(span)} (between in and out)` : `All ${counted(span[1], "frame")}`);
  dialog.replaceChildren(
    head(dialog, "Export", close),
    make("div", { class: "dbody exporter" }, list, choices),
    problem,
    make("div", { class: "dfoot" }, where, make("span", { class: "spring" }), make("button", { class: "flat", onclick: close }, "Close"), start),
  );
  const kinds = await wishes.kinds();
  let chosen = kinds.find((kind) => kind.name === recall("ivos-export")) ?? kinds[0];
  if (!chosen) return;
  const pick = (/** @type {KindValue} */ kind) => {
    chosen = kind;
    for (const button of list.querySelectorAll("button")) {
      const on = button.dataset.kind === kind.name;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    choices.replaceChildren(make("p", {}, kind.about), ...kind.options.map(field));
    if (kind.options.length === 0) choices.append(make("p", {}, "There is nothing to choose."));
  };
  for (const group of new Set(kinds.map((kind) => kind.group))) {
    list.append(make("h3", {}, group));
    for (const kind of kinds.filter((one) => one.group === group)) {
      list.append(make("button", { role: "radio", "aria-checked": "false", "data-kind": kind.name, onclick: () => pick(kind) }, kind.title, make("small", {}, kind.about)));
    }
  }
  list.addEventListener("keydown", (event) => moveAmong(list, event));
  pick(chosen);
  start.addEventListener("click", async () => {
    const kind = /** @type {KindValue} */ (chosen);
    remember("ivos-export", kind.name);
    const options = readFields(choices, kind);
    if (bounded) options["frames"] = `${span[0]}:${span[1]}`;
    problem.textContent = "";
    try {
      await wishes.export(kind.name, options);
      close();
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message; // here: a toast would lie under the dialog
    }
  });
  start.focus();
}

/** Up and down among radio buttons. @param {HTMLElement} list @param {KeyboardEvent} event */
export function moveAmong(list, event) {
  const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : event.key === "ArrowUp" || event.key === "ArrowLeft" ? -1 : 0;
  if (step === 0) return;
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  const next = buttons[(at + step + buttons.length) % buttons.length];
  next?.focus();
  next?.click();
  event.preventDefault();
  event.stopPropagation();
}

/** One choice of an export. @param {import("./protocol.js").OptionValue} option */
function field(option) {
  const control =
    option.kind === "choice"
      ? make("select", { "data-option": option.name }, ...option.choices.map((choice) => make("option", { selected: choice === option.default }, choice)))
      : option.kind === "flag"
        ? make("input", { type: "checkbox", "data-option": option.name, checked: option.default === true })
        : make("input", { type: "text", inputmode: option.kind === "number" ? "decimal" : "text", "data-option": option.name, value: option.default === null ? "" : String(option.default), autocomplete: "off" });
  return make("label", {}, make("span", {}, option.title), control, make("small", {}, option.about));
}

/** What was chosen; only what differs from the usual. @param {HTMLElement} choices @param {KindValue} kind */
function readFields(choices, kind) {
  /** @type {Record<string, string | number | boolean | null>} */
  const options = {};
  for (const option of kind.options) {
    const control = choices.querySelector(`[data-option="${option.name}"]`);
    /** @type {string | number | boolean | null} */
    let value = null;
    if (control instanceof HTMLInputElement) value = control.type === "checkbox" ? control.checked : control.value.trim();
    else if (control instanceof HTMLSelectElement) value = control.value;
    if (option.kind === "number" && value !== "" && Number.isFinite(Number(value))) value = Number(value);
    if (value !== "" && value !== option.default) options[option.name] = value;
  }
  return options;
}
