import assert from "node:assert/strict";
import { test } from "node:test";

import { Pointer } from "../../src/ivos/server/page/pointer.js";
import { START } from "../../src/ivos/server/page/state.js";

globalThis.document = { createElement: () => ({ getContext: () => ({ putImageData() {} }) }) };
globalThis.ImageData = class {
  constructor(width, height) {
    this.data = new Uint8ClampedArray(width * height * 4);
  }
};

/** What the page is asked for by these presses of a pen in the middle of the frame; each is [button, buttons]. */
function pressed(...presses) {
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
  const state = { ...START, video: { width: 100, height: 100, frames: 3 } };
  new Pointer(stage, () => state, {
    prompt: (kind, path, positive) => asked.push([kind, positive]),
    paint: (pairs, erase) => asked.push(["paint", erase]),
    sizeBrush() {},
    whyNot: () => null,
    explain() {},
  });
  for (const [button, buttons] of presses) {
    const event = { pointerType: "pen", pointerId: 1, clientX: 50, clientY: 50, altKey: false, button, preventDefault() {} };
    on.pointerdown({ ...event, buttons });
    on.pointerup({ ...event, buttons: 0 });
  }
  return asked;
}

test("a pen draws with its tip, excludes with its button and erases with its other end", () => {
  assert.deepEqual(pressed([0, 1], [2, 2], [5, 32]), [["click", true], ["click", false], ["paint", true]]);
});

test("further buttons do nothing", () => {
  assert.deepEqual(pressed([3, 8], [4, 16]), []);
});
