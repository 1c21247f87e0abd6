import assert from "node:assert/strict";
import { test } from "node:test";

import { Pointer } from "../../src/ivos/server/page/pointer.js";
import { START, next } from "../../src/ivos/server/page/state.js";
import { createStore } from "../../src/ivos/server/page/store.js";

globalThis.document = { createElement: () => ({ getContext: () => ({ putImageData() {} }) }) };
globalThis.ImageData = class {
  constructor(width, height) {
    this.data = new Uint8ClampedArray(width * height * 4);
  }
};

/** A pen over the middle of a frame: does `down` and `up`, and keeps what the page is asked for. */
function pen(more = {}) {
  const on = {};
  const asked = [];
  const canvas = {
    addEventListener: (kind, listener) => (on[kind] = listener),
    getBoundingClientRect: () => ({ left: 0, top: 0 }),
    focus() {},
    setPointerCapture() {},
    style: {},
  };
  const stage = { canvas, view: { scale: 1, x: 0, y: 0 }, draw() {}, draft: null };
  const store = createStore({ ...START, video: { width: 100, height: 100, frames: 30 }, ...more }, next);
  const frame = () => store.get().frame;
  const pointer = new Pointer(stage, store.get, {
    prompt: (kind, path, positive) => asked.push({ kind, positive, frame: frame() }),
    paint: (pairs, erase) => asked.push({ kind: "paint", positive: !erase, frame: frame() }),
    sizeBrush() {},
    hold: (held) => store.send({ type: "draw", on: held }),
    whyNot: () => null,
    explain() {},
  });
  const event = { pointerType: "pen", pointerId: 1, clientX: 50, clientY: 50, altKey: false, preventDefault() {} };
  return {
    store, asked, pointer,
    down: (button = 0, buttons = 1) => on.pointerdown({ ...event, button, buttons }),
    up: () => on.pointerup({ ...event, button: 0, buttons: 0 }),
  };
}

/** What the page is asked for by these presses; each is [button, buttons]. */
function pressed(...presses) {
  const { asked, down, up } = pen();
  for (const [button, buttons] of presses) {
    down(button, buttons);
    up();
  }
  return asked.map(({ kind, positive }) => [kind, positive]);
}

test("a pen draws with its tip, excludes with its button and erases with its other end", () => {
  assert.deepEqual(pressed([0, 1], [2, 2], [5, 32]), [["click", true], ["click", false], ["paint", false]]);
});

test("further buttons do nothing", () => {
  assert.deepEqual(pressed([3, 8], [4, 16]), []);
});

for (const tool of ["click", "scribble", "brush"]) {
  test(`a stroke of the ${tool} lands on the frame that it was begun on, whatever plays or seeks meanwhile`, () => {
    const { store, asked, down, up } = pen({ tool, playing: true, frame: 4 });
    down();
    assert.equal(store.get().playing, false);
    for (const event of [{ type: "seek", frame: 9 }, { type: "check", frame: 12 }, { type: "play", on: true }]) store.send(event);
    assert.equal(store.get().playing, false);
    up();
    assert.deepEqual(asked.map((one) => one.frame), [4]);
    store.send({ type: "seek", frame: 9 });
    assert.equal(store.get().frame, 9);
  });
}

test("a stroke that is given up lets the frame go again", () => {
  const { store, pointer, down } = pen({ frame: 4 });
  down();
  pointer.drop();
  store.send({ type: "seek", frame: 9 });
  assert.equal(store.get().frame, 9);
});
