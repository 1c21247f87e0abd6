import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { painted, runs, stamp } from "../../src/ivos/server/page/brush.js";
import { unpack } from "../../src/ivos/server/page/packets.js";
import { boxOf, colourTable, overlay } from "../../src/ivos/server/page/paint.js";
import { SAFE, colourOf, fromHex, hex, lifted } from "../../src/ivos/server/page/palette.js";
import { MAX_POINTS } from "../../src/ivos/server/page/protocol.js";
import { frameUnder, showing, tickStep, xOf, zoomedAt } from "../../src/ivos/server/page/scale.js";
import { clipped, count, covers, joined, neighbour, withFrame } from "../../src/ivos/server/page/spans.js";
import { fit, kept, thinned, toFraction, toImage, zoomed } from "../../src/ivos/server/page/view.js";

test("the point under the mouse stays under it when zooming", () => {
  const view = { scale: 2, x: 30, y: -10 };
  assert.deepEqual(toImage(zoomed(view, 1.7, 100, 80), 100, 80).map((value) => value.toFixed(6)), toImage(view, 100, 80).map((value) => value.toFixed(6)));
});

test("a fitted frame is in the middle and inside", () => {
  const view = fit({ width: 1920, height: 1080 }, { width: 1000, height: 700 });
  assert.ok(view.x > 0 && view.y > 0);
  assert.ok(Math.abs(view.x * 2 + 1920 * view.scale - 1000) < 1e-9);
});

test("the frame cannot be pushed out of sight", () => {
  const view = kept({ scale: 1, x: -5000, y: 5000 }, { width: 100, height: 100 }, { width: 400, height: 300 });
  assert.ok(view.x + 100 > 0 && view.y < 300);
});

test("fractions stay inside the frame", () => {
  assert.deepEqual(toFraction([-5, 700], { width: 100, height: 100 }), [0, 1]);
});

test("thinning keeps the ends of a stroke", () => {
  const path = Array.from({ length: 50 }, (_, at) => [at * 0.1, 0]);
  const thin = thinned(path, 1);
  assert.ok(thin.length < 10);
  assert.deepEqual([thin[0], thin.at(-1)], [path[0], path.at(-1)]);
});

test("a stroke without end is thinned until the server takes it", () => {
  const path = Array.from({ length: 90_000 }, (_, at) => [(at * 7) % 640, (at * 3) % 480]);
  const thin = thinned(path, 0.5, MAX_POINTS);
  assert.ok(thin.length <= MAX_POINTS && thin.length > 1000, String(thin.length));
  assert.deepEqual([thin[0], thin.at(-1)], [path[0], path.at(-1)]);
  assert.deepEqual(thinned(Array(50).fill([3, 3]), 0.5, 2), [[3, 3], [3, 3]]);
});

test("a brush marks exactly the pixels whose middle is within its radius", () => {
  const marked = new Uint8Array(9 * 9);
  stamp(marked, 9, 9, [4.5, 4.5], [4.5, 4.5], 4);
  for (let y = 0; y < 9; y++) for (let x = 0; x < 9; x++) assert.equal(marked[y * 9 + x] === 1, Math.hypot(x - 4, y - 4) <= 2, `${x},${y}`);
});

test("a brush of one pixel marks a pixel wherever it is put, and nothing outside the frame", () => {
  for (const at of [[0, 0], [3.99, 2.01], [7.5, 7.5]]) {
    const marked = new Uint8Array(64);
    stamp(marked, 8, 8, at, at, 1);
    assert.ok(marked.includes(1), String(at));
  }
  const outside = new Uint8Array(64);
  stamp(outside, 8, 8, [-9, -9], [-9, -9], 3);
  assert.equal(outside.includes(1), false);
});

test("runs are where the marks are, up to the last pixel", () => {
  assert.deepEqual(runs(Uint8Array.from([0, 1, 1, 0, 0, 1])), [1, 2, 5, 1]);
  assert.deepEqual(runs(new Uint8Array(5)), []);
});

test("painting takes pixels of others but not of locked ones; erasing only its own", () => {
  const labels = Uint8Array.from([0, 1, 2, 3]);
  assert.deepEqual([...painted(labels, [0, 4], 1, false, new Set([3]))], [1, 1, 1, 3]);
  assert.deepEqual([...painted(labels, [0, 4], 2, true)], [0, 1, 0, 3]);
  assert.deepEqual([...labels], [0, 1, 2, 3]);
});

test("an outline is along the border only, hidden objects are not painted", () => {
  const labels = new Uint8Array(49);
  for (let y = 1; y < 6; y++) for (let x = 1; x < 6; x++) labels[y * 7 + x] = 4;
  const box = boxOf(labels, 7, 7);
  assert.deepEqual(box, { top: 1, left: 1, bottom: 6, right: 6 });
  const out = new Uint32Array(49);
  overlay(labels, 7, 7, box, colourTable([{ object_id: 4, rgb: [255, 0, 0] }]), { fill: 0, line: 255, thick: 1 }, out);
  assert.equal(out[3 * 7 + 3], 0);
  assert.equal(out[1 * 7 + 3], 0xff0000ff);
  overlay(labels, 7, 7, box, colourTable([]), { fill: 255, line: 255, thick: 1 }, out);
  assert.ok(out.every((word) => word === 0));
});

test("colours: dark ones are lifted, bright ones stay, the safe ones repeat", () => {
  assert.ok(Math.max(...lifted([128, 0, 0])) > 200);
  assert.deepEqual(lifted([250, 200, 10]), [250, 200, 10]);
  assert.deepEqual(colourOf("safe", { object_id: 1 + SAFE.length, colour: [0, 0, 0] }), SAFE[0]);
  assert.deepEqual(fromHex(hex([1, 128, 255])), [1, 128, 255]);
});

test("a packet unpacks to the whole frame", async () => {
  const box = Buffer.from([1, 2, 0, 3, 1, 1]);
  const head = Buffer.alloc(24);
  head.write("ivm");
  head[3] = 1;
  head.writeUInt32LE(12, 4);
  head.writeUInt32LE(5, 8);
  [4, 5, 1, 2, 3, 5].forEach((value, at) => head.writeUInt16LE(value, 12 + 2 * at));
  const bytes = Buffer.concat([head, deflateSync(box)]);
  const mask = await unpack(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  assert.deepEqual([mask.form, mask.frame, mask.step, mask.height, mask.width], ["labels", 12, 5, 4, 5]);
  assert.deepEqual([...mask.pixels], [0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 1, 1, 0, 0, 0, 0, 0]);
});

test("what is not a packet is refused", async () => {
  await assert.rejects(unpack(new ArrayBuffer(40)), /not a mask/);
});

test("spans: found, joined, clipped, counted", () => {
  const spans = [[2, 5], [8, 9]];
  assert.deepEqual([1, 2, 4, 5, 8, 9].map((frame) => covers(spans, frame)), [false, true, true, false, true, false]);
  assert.deepEqual(withFrame(spans, 5), [[2, 6], [8, 9]]);
  assert.deepEqual(joined([[4, 6], [1, 4], [8, 9]]), [[1, 6], [8, 9]]);
  assert.deepEqual(clipped(spans, [4, 20]), [[4, 5], [8, 9]]);
  assert.equal(count(spans), 4);
  assert.equal(neighbour([3, 9], 3, 1), 9);
  assert.equal(neighbour([3, 9], 3, -1), null);
});

test("the timeline: places and frames agree, zooming stays inside the video", () => {
  const scale = { from: 0, to: 100, width: 500 };
  assert.equal(frameUnder(scale, xOf(scale, 42) + 0.01, 100), 42);
  assert.equal(frameUnder(scale, 9999, 100), 99);
  const near = zoomedAt(scale, 0.1, 490, 100);
  assert.ok(near.to <= 100 && near.to - near.from >= 10);
  assert.deepEqual(zoomedAt(near, 100, 3, 100), scale);
  assert.ok(showing(near, 2, 100).from <= 2);
  assert.equal(tickStep(scale, 64), 20);
});
