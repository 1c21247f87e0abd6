import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIONS, PRESETS, actionFor, combination, keysOf, rebound, spelled } from "../../src/ivos/server/page/keys.js";
import { suspects } from "../../src/ivos/server/page/review.js";
import { clock, frameAt, frames, left, size } from "../../src/ivos/server/page/words.js";

const key = (name, more = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test("every key does an action that exists, and every action has a key in every preset", () => {
  const names = ACTIONS.map((action) => action.name);
  for (const [preset, bindings] of Object.entries(PRESETS)) {
    for (const action of Object.values(bindings)) assert.ok(names.includes(action), `${preset}: ${action}`);
    for (const name of names) assert.ok(keysOf(bindings, name).length > 0, `${preset} has no key for ${name}`);
  }
});

test("keys are spelled the same on every keyboard", () => {
  assert.equal(combination(key("z", { ctrlKey: true })), "Ctrl+Z");
  assert.equal(combination(key("Z", { metaKey: true, shiftKey: true })), "Ctrl+Shift+Z");
  assert.equal(combination(key("?", { shiftKey: true })), "?");
  assert.equal(combination(key(" ")), "Space");
  assert.equal(combination(key("ArrowRight", { shiftKey: true })), "Shift+Right");
  assert.equal(combination(key(")", { shiftKey: true, code: "Digit0" })), "Shift+0");
});

test("AltGr is part of the sign that it writes, also where it is reported as Ctrl and Alt", () => {
  const altGr = { code: "Digit8", ctrlKey: true, altKey: true, getModifierState: (name) => name === "AltGraph" };
  assert.equal(combination(key("[", altGr)), "[");
  assert.equal(combination(key("8", { ...altGr, getModifierState: () => false })), "Ctrl+Alt+8");
});

test("on a keyboard without Latin letters the place of a key counts", () => {
  assert.equal(combination(key("я", { ctrlKey: true, code: "KeyZ" })), "Ctrl+Z");
  assert.equal(combination(key("Я", { ctrlKey: true, shiftKey: true, code: "KeyZ" })), "Ctrl+Shift+Z");
  assert.equal(combination(key("х", { code: "BracketLeft" })), "[");
  assert.equal(combination(key("z", { ctrlKey: true, code: "KeyY" })), "Ctrl+Z");
});

test("the habits that people bring are there", () => {
  const does = (preset, event) => actionFor(PRESETS[preset], event);
  assert.equal(does("ivos", key(" ")), "play");
  assert.equal(does("ivos", key("[")), "smaller");
  assert.equal(does("ivos", key("i")), "markIn");
  assert.equal(does("ivos", key("y", { ctrlKey: true })), "redo");
  assert.equal(does("ivos", key("ArrowRight", { ctrlKey: true })), "forward");
  assert.equal(does("Cutie", key("f")), "forward");
  assert.equal(does("CVAT", key("d")), "previous");
});

test("a key given to another action leaves its old one", () => {
  const bindings = rebound(PRESETS.ivos, "play", "K");
  assert.equal(bindings.K, "play");
  assert.equal(bindings.Space, undefined);
  assert.equal(rebound(PRESETS.ivos, "play", "B").B, "play");
});

test("keys are written as people write them", () => {
  assert.equal(spelled("Ctrl+Shift+Z"), "Ctrl Shift Z");
  assert.equal(spelled("Shift+Right"), "Shift →");
  assert.equal(spelled("+"), "+");
});

test("the most doubtful frame is named first, its neighbours not at all, settled ones never", () => {
  const confidence = new Uint8Array(100).fill(190);
  confidence.set([20, 10, 20], 49);
  confidence[80] = 60;
  confidence[5] = 0;
  const tracks = { 1: { confidence, change: new Uint8Array(100) } };
  const found = suspects(tracks, (_, frame) => frame === 5, 100).map((one) => one.frame);
  assert.deepEqual(found.slice(0, 2), [50, 80]);
  assert.ok(!found.includes(49) && !found.includes(5));
});

test("frames without a mask are no suspects", () => {
  const unknown = { confidence: new Uint8Array(10).fill(255), change: new Uint8Array(10).fill(255) };
  assert.deepEqual(suspects({ 1: unknown }, () => false, 10), []);
});

test("times and sizes in words", () => {
  assert.equal(clock(62.48), "1:02.48");
  assert.equal(clock(3725), "1:02:05.00");
  assert.equal(left(12.2), "13 s left");
  assert.equal(left(null), "working out how long…");
  assert.equal(size(27920), "27 KB");
  assert.equal(frames([3, 4]), "frame 3");
  assert.equal(frames([3, 9]), "frames 3–8");
});

test("frames by time, even and uneven", () => {
  const even = { name: "", width: 1, height: 1, frames: 50, fps: 25, timestamps: null };
  assert.deepEqual([0, 0.039, 0.04, 99].map((time) => frameAt(even, time)), [0, 0, 1, 49]);
  const uneven = { ...even, frames: 3, timestamps: [0, 0.5, 2] };
  assert.deepEqual([0, 0.49, 0.5, 1.99, 2.5].map((time) => frameAt(uneven, time)), [0, 0, 1, 1, 2]);
});
