// @ts-check
/** What each key does: actions by name, presets, and a person's own choices. Pure. */

/** @typedef {{ name: string, title: string, group: string }} Action */
/** @typedef {Record<string, string>} Bindings from a combination ("Ctrl+Z") to an action's name */

/** Every action that a key can have, in the order of the shortcuts sheet. @type {Action[]} */
export const ACTIONS = [
  ...group("Draw", {
    scribble: "Scribble",
    click: "Click",
    box: "Box",
    brush: "Brush: exact pixels",
    eraser: "Eraser",
    pan: "Move the view",
    swap: "Swap + and −",
    smaller: "Smaller brush",
    larger: "Larger brush",
    undo: "Undo",
    redo: "Redo",
  }),
  ...group("Frames", {
    play: "Play or pause",
    next: "Next frame",
    previous: "Previous frame",
    next10: "10 frames on",
    previous10: "10 frames back",
    first: "First frame",
    last: "Last frame",
    nextAnnotated: "Next annotated frame",
    previousAnnotated: "Previous annotated frame",
    check: "Next frame to check",
    markIn: "In point here",
    markOut: "Out point here",
    clearMarks: "Clear in and out",
  }),
  ...group("Propagate and review", {
    both: "Propagate both ways",
    forward: "Propagate forward",
    backward: "Propagate backward",
    cancel: "Cancel, or close",
    compare: "Compare before and after",
    accept: "Accept (lock) this frame",
    reject: "Put the old mask back here",
  }),
  ...group("Objects", {
    addObject: "New object",
    nextObject: "Next object",
    hide: "Hide or show the object",
    lock: "Lock or unlock the object",
    rename: "Rename the object",
    remove: "Delete the object",
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`object${n}`, `Object ${n}`])),
  }),
  ...group("View", {
    nextLook: "Next view",
    overlay: "Overlay",
    outline: "Outline",
    alpha: "Cut out on a checkerboard",
    matte: "Matte",
    source: "Source",
    fit: "Fit to the window",
    actual: "Actual pixels",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    fainter: "Fainter masks",
    stronger: "Stronger masks",
  }),
  ...group("Project", {
    export: "Export",
    importMask: "Import a mask for this frame",
    open: "Open another video",
    save: "Save (it is always saved)",
    shortcuts: "This sheet",
  }),
];

/** @type {Bindings} */
const IVOS = {
  S: "scribble", C: "click", R: "box", B: "brush", E: "eraser", M: "pan", X: "swap",
  "[": "smaller", "]": "larger",
  "Ctrl+Z": "undo", "Ctrl+Shift+Z": "redo", "Ctrl+Y": "redo",
  Space: "play", Right: "next", ".": "next", Left: "previous", ",": "previous",
  "Shift+Right": "next10", "Shift+Left": "previous10", Home: "first", End: "last",
  PageDown: "nextAnnotated", PageUp: "previousAnnotated", N: "check",
  I: "markIn", O: "markOut", U: "clearMarks",
  T: "both", "Ctrl+T": "both", "Ctrl+Right": "forward", "Ctrl+Left": "backward", Escape: "cancel",
  D: "compare", Enter: "accept", Backspace: "reject",
  A: "addObject", Q: "nextObject", H: "hide", L: "lock", F2: "rename", Delete: "remove",
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), `object${n}`])),
  V: "nextLook", "Alt+1": "overlay", "Alt+2": "outline", "Alt+3": "alpha", "Alt+4": "matte", "Alt+5": "source",
  0: "fit", "Shift+0": "actual", "=": "zoomIn", "+": "zoomIn", "-": "zoomOut", ";": "fainter", "'": "stronger",
  "Ctrl+E": "export", "Ctrl+I": "importMask", "Ctrl+O": "open", "Ctrl+S": "save", "?": "shortcuts", F1: "shortcuts",
};

/** Presets: ours, and the habits of two other tools. @type {Record<string, Bindings>} */
export const PRESETS = {
  ivos: IVOS,
  Cutie: changed(IVOS, { F: "forward", B: "backward", C: "accept", P: "brush", K: "click", "Alt+Right": "last", "Alt+Left": "first" }),
  CVAT: changed(IVOS, { F: "next", D: "previous", V: "next10", C: "previous10", R: "nextAnnotated", E: "previousAnnotated", N: "scribble", G: "check", K: "click", W: "eraser", J: "box", Y: "compare", Z: "nextLook", "Ctrl+B": "both" }),
};

/** The combination of a key event, in one spelling: "Ctrl+Shift+Z", "Space", "?".
 *
 * Shift is named only with letters and named keys: of a sign it is already part. So is AltGr, which some
 * systems report as Ctrl and Alt. Where a keyboard writes no Latin letters, the place of the key counts.
 * @param {{ key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean, code?: string, getModifierState?: (name: string) => boolean }} event */
export function combination(event) {
  const names = /** @type {Record<string, string>} */ ({ " ": "Space", ArrowLeft: "Left", ArrowRight: "Right", ArrowUp: "Up", ArrowDown: "Down" });
  const digit = /^Digit(\d)$/.exec(event.code ?? "");
  const plain = names[event.key] ?? (event.key.length === 1 ? latin(event.key, event.code ?? "") : event.key);
  const sign = event.getModifierState?.("AltGraph") ?? false;
  // Shift+0 is ")" or "=" by keyboard; with a digit's own key the digit is meant
  const key = digit && !sign && (event.shiftKey || event.altKey) ? /** @type {string} */ (digit[1]) : plain;
  const shift = event.shiftKey && (key.length > 1 || /[A-Z0-9]/.test(key));
  return [
    (event.ctrlKey && !sign) || event.metaKey ? "Ctrl" : "",
    event.altKey && !sign ? "Alt" : "",
    shift ? "Shift" : "",
    key,
  ].filter(Boolean).join("+");
}

/** A sign as our bindings have it. @param {string} sign @param {string} code where its key is on the keyboard */
function latin(sign, code) {
  const brackets = /** @type {Record<string, string>} */ ({ BracketLeft: "[", BracketRight: "]" });
  const place = sign > "\u007f" ? (/^Key([A-Z])$/.exec(code)?.[1] ?? brackets[code]) : undefined;
  return place ?? sign.toUpperCase();
}

/** The action for a key event, if it has one. @param {Bindings} bindings @param {Parameters<typeof combination>[0]} event @returns {string | null} */
export function actionFor(bindings, event) {
  return bindings[combination(event)] ?? null;
}

/** The keys of an action, for tooltips and the sheet. @param {Bindings} bindings @param {string} action @returns {string[]} */
export function keysOf(bindings, action) {
  return Object.keys(bindings).filter((key) => bindings[key] === action);
}

/** Bindings in which `key` does `action`; what the key did before loses it, and so do the action's other keys.
 * @param {Bindings} bindings @param {string} action @param {string} key @returns {Bindings} */
export function rebound(bindings, action, key) {
  const rest = Object.entries(bindings).filter(([other, name]) => name !== action && other !== key);
  return { ...Object.fromEntries(rest), [key]: action };
}

/** A combination as people write it. @param {string} key */
export function spelled(key) {
  const signs = /** @type {Record<string, string>} */ ({ Right: "→", Left: "←", Escape: "Esc", Backspace: "⌫", PageDown: "PgDn", PageUp: "PgUp", Delete: "Del", "-": "−" });
  return key.split(/(?<=.)\+(?=.)/).map((part) => signs[part] ?? part).join(" ");
}

/** @param {string} name @param {Record<string, string>} actions @returns {Action[]} */
function group(name, actions) {
  return Object.entries(actions).map(([key, title]) => ({ name: key, title, group: name }));
}

/** @param {Bindings} base @param {Bindings} changes @returns {Bindings} */
function changed(base, changes) {
  return { ...base, ...changes };
}
