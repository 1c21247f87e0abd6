import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Masks } from "../../src/ivos/server/page/masks.js";
import { Pictures } from "../../src/ivos/server/page/pictures.js";
import { recall, remember, takeTab } from "../../src/ivos/server/page/storage.js";

const VIDEO = { width: 8, height: 8, frames: 50 };
const BITMAP = { width: 8, height: 8, close() {} };
const cannot = { ok: false, status: 400, statusText: "", json: async () => ({ detail: "00021.jpg: no such file" }) };
globalThis.createImageBitmap = async () => BITMAP;

/** Addresses that were asked for. @type {string[]} */
let asked = [];
/** @param {(address: string) => object} answer what the server says, or an error where it is away */
function serve(answer) {
  globalThis.fetch = async (address) => {
    asked.push(address);
    return answer(address);
  };
}
const away = () => {
  throw new TypeError("no server");
};
/** Let some seconds go by. @param {number} seconds */
async function wait(seconds) {
  for (let at = 0; at < seconds * 10; at++) {
    mock.timers.tick(100);
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  }
}

beforeEach(() => {
  asked = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("a server that is away is asked for a picture ever more seldom", async () => {
  serve(away);
  const pictures = new Pictures("key", VIDEO, () => {}, () => {});
  pictures.want([3], 8);
  await wait(10);
  assert.ok(asked.length >= 3 && asked.length <= 6, `${asked.length} times`);
});

test("a picture that comes after all is shown", async () => {
  serve(away);
  const pictures = new Pictures("key", VIDEO, () => {}, () => {});
  pictures.want([3], 8);
  await wait(1);
  serve(() => ({ ok: true, blob: async () => null }));
  await wait(5);
  assert.equal(pictures.get(3), BITMAP);
});

test("a frame that cannot be read is known and told once, and leaves the others alone", async () => {
  serve((address) => (address.includes("/21") ? cannot : { ok: true, blob: async () => null }));
  const told = [];
  const pictures = new Pictures("key", VIDEO, () => {}, (frame, error) => told.push([frame, error.message]));
  pictures.want([21, 22], 8);
  await wait(10);
  assert.deepEqual(told, [[21, "00021.jpg: no such file"]]);
  assert.deepEqual([pictures.broken.has(21), pictures.broken.has(22)], [true, false]);
  assert.equal(pictures.get(22), BITMAP);
});

test("closed pictures ask for nothing more", async () => {
  serve(away);
  const pictures = new Pictures("key", VIDEO, () => {}, () => {});
  pictures.want([3], 8);
  await wait(0.1);
  pictures.close();
  await wait(10);
  assert.equal(asked.length, 1);
});

test("a mask that does not come is asked for ever more seldom, though it is wanted at each drawing", async () => {
  serve(away);
  const masks = new Masks("key", () => masks.want("labels/3"), () => {});
  masks.want("labels/3");
  await wait(10);
  assert.ok(asked.length >= 3 && asked.length <= 6, `${asked.length} times`);
  masks.close();
});

test("where a browser may not remember, the page does without", () => {
  const forbidden = { get() { throw new Error("denied"); }, configurable: true };
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(globalThis, name, forbidden);
  remember("ivos-view", { opacity: 1 });
  assert.equal(recall("ivos-view"), null);
  assert.notEqual(takeTab().client, "");
});

test("a tab that is reloaded is the one it was, a duplicate of it is another one", () => {
  const kept = new Map();
  const storage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text) };
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  const first = takeTab();
  remember("ivos-tab", { client: first.client, project: "clip.ivos", frame: 7 });
  assert.deepEqual(takeTab(), { client: first.client, project: "clip.ivos", frame: 7 });
  assert.notEqual(takeTab().client, first.client);
});
