// @ts-check
/** Frames as bitmaps: fetched when wanted, those ahead fetched early, bounded memory. */

import { problemOf } from "./api.js";
import { Failures } from "./retry.js";

const MEMORY = 420e6;
const AT_ONCE = 3;

/** @typedef {{ bitmap: ImageBitmap, height: number, bytes: number }} Picture */

export class Pictures {
  /** @param {string} key of the session @param {{ width: number, height: number, frames: number }} video
   * @param {() => void} onNew @param {(frame: number, error: Error) => void} onTrouble a frame that cannot be read */
  constructor(key, video, onNew, onTrouble) {
    this.key = key;
    this.video = video;
    this.onNew = onNew;
    this.onTrouble = onTrouble;
    /** Frames that did not come. */
    this.failures = new Failures(() => this.more());
    /** Frames that the server has, but cannot read, and why. @type {Map<number, string>} */
    this.broken = new Map();
    /** @type {Map<number, Picture>} oldest first */
    this.kept = new Map();
    this.bytes = 0;
    /** @type {Map<number, AbortController>} */
    this.under = new Map();
    /** @type {number[]} */
    this.wanted = [];
    /** Height asked for: less than the video's while it plays, so that it keeps up. @type {number} */
    this.height = video.height;
    this.closed = false;
  }

  /** The picture of a frame, if it is here (perhaps a smaller one than wanted). @param {number} frame */
  get(frame) {
    const found = this.kept.get(frame);
    if (found) {
      this.kept.delete(frame);
      this.kept.set(frame, found);
    }
    return found?.bitmap ?? null;
  }

  /** Whether a frame is here, large enough. @param {number} frame */
  has(frame) {
    const found = this.kept.get(frame);
    return found !== undefined && found.height >= Math.min(this.height, this.video.height);
  }

  /** Ask for frames, the first one most urgently. What was asked before and is not in the list is dropped.
   * @param {number[]} frames @param {number} height */
  want(frames, height) {
    this.height = Math.min(height, this.video.height);
    this.wanted = frames.filter((frame) => frame >= 0 && frame < this.video.frames && !this.has(frame));
    const urgent = this.wanted[0];
    for (const [frame, call] of this.under) {
      if (!frames.includes(frame)) {
        call.abort();
        this.under.delete(frame);
      }
    }
    if (urgent !== undefined && this.may(urgent)) this.fetch(urgent);
    this.more();
  }

  more() {
    for (const frame of this.wanted) {
      if (this.under.size >= AT_ONCE) return;
      if (this.may(frame)) this.fetch(frame);
    }
  }

  /** Whether a frame may be asked for now. @param {number} frame */
  may(frame) {
    return !this.closed && !this.under.has(frame) && !this.has(frame) && !this.failures.waits(frame);
  }

  /** @param {number} frame */
  async fetch(frame) {
    const call = new AbortController();
    const height = this.height;
    this.under.set(frame, call);
    try {
      const small = height < this.video.height ? `?height=${height}` : "";
      const answer = await fetch(`/api/session/${this.key}/frames/${frame}${small}`, { signal: call.signal });
      if (answer.ok) this.keep(frame, await createImageBitmap(await answer.blob()), height);
      else this.unreadable(frame, await problemOf(answer));
    } catch {
      if (!call.signal.aborted) this.failures.add(frame); // the server is away
    }
    if (this.under.get(frame) === call) this.under.delete(frame);
    if (!this.closed) this.more();
  }

  /** @param {number} frame @param {Error} problem */
  unreadable(frame, problem) {
    if (this.closed) return;
    this.failures.add(frame);
    if (this.broken.has(frame)) return;
    this.broken.set(frame, problem.message);
    this.onTrouble(frame, problem);
    this.onNew();
  }

  /** @param {number} frame @param {ImageBitmap} bitmap @param {number} height */
  keep(frame, bitmap, height) {
    const before = this.kept.get(frame);
    if (this.closed || (before && before.height > height)) {
      bitmap.close();
      return;
    }
    if (before) this.drop(frame, before);
    this.failures.forget(frame);
    this.broken.delete(frame);
    const picture = { bitmap, height, bytes: bitmap.width * bitmap.height * 4 };
    this.kept.set(frame, picture);
    this.bytes += picture.bytes;
    for (const [oldest, old] of this.kept) {
      if (this.bytes <= MEMORY || this.kept.size < 4) break;
      this.drop(oldest, old);
    }
    this.wanted = this.wanted.filter((other) => other !== frame);
    this.onNew();
  }

  /** @param {number} frame @param {Picture} picture */
  drop(frame, picture) {
    this.kept.delete(frame);
    this.bytes -= picture.bytes;
    picture.bitmap.close();
  }

  close() {
    this.closed = true;
    this.wanted = [];
    this.failures.clear();
    for (const call of this.under.values()) call.abort();
    for (const [frame, picture] of [...this.kept]) this.drop(frame, picture);
  }
}
