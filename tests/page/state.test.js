import assert from "node:assert/strict";
import { test } from "node:test";

import { START, accepted, freeObject, next, objectToDraw, selected, settled, strokesOn, whyNotPropagate, workSpan } from "../../src/ivos/server/page/state.js";

const video = { name: "clip", width: 64, height: 48, frames: 20, fps: 25, timestamps: null };
const welcome = { type: "welcome", version: 1, video, project: "clip.ivos", network: "n", driving: true };
const object = (id, more = {}) => ({ object_id: id, name: `Object ${id}`, colour: [1, 2, 3], hidden: false, locked: false, annotated: [], masked: [], locked_frames: [], ...more });
const snapshot = (more = {}) => ({ type: "snapshot", objects: [], annotated: [], rounds: 0, open: [], head: 0, steps: [], undo: null, redo: null, last_run: null, last_run_frames: [], cuts: [], run: null, waiting: 0, ...more });
const hear = (state, ...events) => events.reduce((at, event) => next(at, { type: "server", event }), state);
const working = (...events) => hear(START, welcome, ...events);
const stroke = { kind: "scribble", object_id: 1, path: [[0.1, 0.1]], positive: true };

test("an event leaves the state that it came to as it was", () => {
  const before = Object.freeze(working(snapshot({ objects: [object(1)] })));
  const after = next(before, { type: "seek", frame: 3 });
  assert.equal(before.frame, 0);
  assert.equal(after.frame, 3);
  assert.equal(after.session, before.session);
});

test("seeking stops at both ends of the video", () => {
  assert.equal(next(working(), { type: "seek", frame: 99 }).frame, 19);
  assert.equal(next(working(), { type: "seek", frame: -4 }).frame, 0);
});

test("coming back to the same project keeps the frame; another one starts at 0", () => {
  const at = next(working(), { type: "seek", frame: 7 });
  assert.equal(hear(at, welcome).frame, 7);
  assert.equal(hear(at, { ...welcome, project: "other.ivos" }).frame, 0);
});

test("a version mismatch ends in the server's own words", () => {
  const state = hear(START, { type: "refused", reason: "the page speaks protocol 1, the server 2: reload the page" });
  assert.equal(state.phase, "refused");
  assert.match(state.problem, /reload/);
});

test("a stroke is drawn until the server has answered it", () => {
  const sent = next(working(snapshot()), { type: "sent", stroke: { id: 4, frame: 2, object: 1, prompts: [stroke] } });
  assert.equal(strokesOn(sent, 2).length, 1);
  assert.equal(strokesOn(sent, 3).length, 0);
  const answered = hear(sent, { type: "done", id: 4, seconds: 0.1, waiting: false }, snapshot({ open: [{ frame: 2, prompts: [stroke] }] }));
  assert.equal(strokesOn(answered, 2).length, 1);
  assert.equal(answered.pending.length, 0);
});

test("a stroke that failed is gone", () => {
  const sent = next(working(snapshot()), { type: "sent", stroke: { id: 4, frame: 2, object: 1, prompts: [stroke] } });
  assert.equal(strokesOn(hear(sent, { type: "failed", id: 4, message: "no" }), 2).length, 0);
});

test("a stroke kept for after a run stays until the snapshot without waiting ones", () => {
  const sent = next(working(snapshot()), { type: "sent", stroke: { id: 4, frame: 2, object: 1, prompts: [stroke] } });
  const kept = hear(sent, { type: "done", id: 4, seconds: 0, waiting: true }, snapshot({ waiting: 1 }));
  assert.equal(strokesOn(kept, 2).length, 1);
  assert.equal(strokesOn(hear(kept, snapshot({ open: [{ frame: 2, prompts: [stroke] }] })), 2).length, 1);
});

test("the selected object stays while it exists; a project begins with the first one, a new one is taken", () => {
  const first = working(snapshot({ objects: [object(1), object(2)] }));
  assert.equal(selected(first).object_id, 1);
  assert.equal(selected(working(snapshot(), snapshot({ objects: [object(1), object(2)] }))).object_id, 2);
  assert.equal(selected(hear(first, snapshot({ objects: [object(1), object(2), object(3)] }))).object_id, 1);
  assert.equal(selected(hear(first, snapshot({ objects: [object(2)] }))).object_id, 2);
});

test("a free object number fills gaps", () => {
  assert.equal(freeObject(working(snapshot({ objects: [object(1), object(3)] }))), 2);
});

test("a number is not free that a stroke has taken which waits for a run, be it of the brush", () => {
  const run = { kind: "propagate", title: "", frame: 0, done: 1, total: 9, seconds_left: 1 };
  let state = working(snapshot({ objects: [object(1)], run }));
  [[stroke], []].forEach((prompts, at) => {
    const id = freeObject(state);
    assert.equal(id, 2 + at);
    const sent = next(next(state, { type: "select", object: id }), { type: "sent", stroke: { id: 7 + at, frame: 3, object: id, prompts } });
    state = hear(sent, { type: "done", id: 7 + at, seconds: 0, waiting: true }, snapshot({ objects: [object(1)], run, waiting: at + 1 }));
  });
  assert.equal(freeObject(state), 4);
  assert.equal(freeObject(hear(state, snapshot({ objects: [object(1), object(2)] }))), 3);
});

test("two quick strokes on an empty project are about one object", () => {
  const empty = working(snapshot());
  assert.equal(objectToDraw(empty), 1);
  const sent = next(empty, { type: "sent", stroke: { id: 4, frame: 2, object: 1, prompts: [stroke] } });
  assert.equal(objectToDraw(sent), 1);
  const both = next(sent, { type: "sent", stroke: { id: 5, frame: 2, object: 1, prompts: [stroke] } });
  assert.equal(objectToDraw(hear(both, { type: "failed", id: 4, message: "no" })), 1);
});

test("a new object that was chosen is drawn, whatever strokes are on their way", () => {
  const sent = next(working(snapshot({ objects: [object(1)] })), { type: "sent", stroke: { id: 4, frame: 2, object: 1, prompts: [stroke] } });
  assert.equal(objectToDraw(next(sent, { type: "select", object: 2 })), 2);
});

test("in and out bound the work, and never cross", () => {
  const state = next(next(working(), { type: "mark", end: "in", frame: 5 }), { type: "mark", end: "out", frame: 9 });
  assert.deepEqual(workSpan(state), [5, 10]);
  assert.deepEqual(workSpan(next(state, { type: "mark", end: "in", frame: 12 })), [12, 20]);
  assert.deepEqual(workSpan(next(state, { type: "mark", end: "none", frame: 0 })), [0, 20]);
});

test("while a run goes on its frames fill up", () => {
  const run = { kind: "propagate", title: "", frame: 4, done: 1, total: 19, seconds_left: 2 };
  const state = working(snapshot({ objects: [object(1, { annotated: [3], masked: [[3, 4]] }), object(2)] }), { type: "running", run });
  assert.deepEqual(state.session.objects[0].masked, [[3, 5]]);
  assert.deepEqual(state.session.objects[1].masked, []);
  assert.equal(hear(state, { type: "run_ended", kind: "propagate", cancelled: false, error: null, done: 1, seconds: 1, folder: null, result: null }).run, null);
});

test("a run that was asked to stop is stopping until it is over", () => {
  const run = { kind: "propagate", title: "", frame: 4, done: 1, total: 19, seconds_left: 2 };
  const running = working(snapshot({ run }));
  const stopping = next(running, { type: "stop" });
  assert.deepEqual([running.stopping, stopping.stopping], [false, true]);
  assert.equal(hear(stopping, { type: "running", run: { ...run, done: 2 } }).stopping, true);
  assert.equal(hear(stopping, { type: "run_ended", kind: "propagate", cancelled: true, error: null, done: 1, seconds: 1, folder: null, result: null }).stopping, false);
  assert.equal(next(working(snapshot()), { type: "stop" }).stopping, false);
});

test("nothing can be propagated before something is drawn, in another tab, or twice at once", () => {
  const drawn = working(snapshot({ annotated: [2] }));
  assert.match(whyNotPropagate(working(snapshot())), /Draw on a frame first/);
  assert.equal(whyNotPropagate(drawn), null);
  assert.match(whyNotPropagate(hear(drawn, { type: "driving", driving: false })), /Another tab/);
  assert.match(whyNotPropagate(next(drawn, { type: "connection", on: false })), /not connected/);
});

test("a frame is accepted when every object is locked there", () => {
  const state = working(snapshot({ objects: [object(1, { locked_frames: [[2, 5]] }), object(2, { locked_frames: [[4, 6]] })] }));
  assert.equal(accepted(state, 4), true);
  assert.equal(accepted(state, 2), false);
  assert.equal(accepted(working(snapshot()), 0), false);
});

test("what is annotated, locked or hidden is settled", () => {
  const state = working(snapshot({ objects: [object(1, { annotated: [3], locked_frames: [[7, 8]] }), object(2, { hidden: true })] }));
  assert.deepEqual([3, 7, 9].map((frame) => settled(state, 1, frame)), [true, true, false]);
  assert.equal(settled(state, 2, 9), true);
});

test("review values land where they belong and leave the others", () => {
  const bytes = (...values) => Buffer.from(values).toString("base64");
  const first = working(snapshot({ objects: [object(1)] }), { type: "review", object_id: 1, start: 2, confidence: bytes(200, 100), change: bytes(0, 50) });
  const second = hear(first, { type: "review", object_id: 1, start: 3, confidence: bytes(20), change: bytes(255) });
  assert.deepEqual([...second.review[1].confidence.slice(1, 5)], [255, 200, 20, 255]);
  assert.equal(first.review[1].confidence[3], 100);
});

test("the brush has a least and a largest size, opacity stays between 0 and 1", () => {
  assert.equal(next(START, { type: "brush", diameter: -3 }).brush, 1);
  assert.equal(next(START, { type: "brush", diameter: 4000 }).brush, 400);
  assert.equal(next(START, { type: "opacity", opacity: 1.2 }).opacity, 1);
});

test("comparing needs a round to compare with", () => {
  assert.equal(next(working(snapshot()), { type: "compare", on: true }).compare, false);
  const on = next(working(snapshot({ last_run: 3 })), { type: "compare", on: true });
  assert.equal(on.compare, true);
  assert.equal(hear(on, snapshot({ last_run: null })).compare, false);
});

test("the same words are not said twice at once", () => {
  const say = (state, id) => next(state, { type: "toast", toast: { id, kind: "info", text: "same" } });
  assert.deepEqual(say(say(START, 1), 2).toasts.map((toast) => toast.id), [2]);
});
