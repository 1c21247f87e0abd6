// @ts-check
/** Masks of frames: kept while they are true, shown while a newer one is on its way. */

import { fetchMask } from "./api.js";
import { Failures } from "./retry.js";
import { covers } from "./spans.js";

/** @typedef {import("./packets.js").Mask} Mask */
/** @typedef {{ mask: Mask, stale: boolean }} Kept */

const MEMORY = 192e6;

export class Masks {
  /** @param {string} key @param {() => void} onNew @param {(error: Error) => void} onTrouble */
  constructor(key, onNew, onTrouble) {
    this.key = key;
    this.onNew = onNew;
    this.onTrouble = onTrouble;
    /** What did not come. */
    this.failures = new Failures(() => this.onNew());
    /** By what and where ("labels/12"), oldest first. @type {Map<string, Kept>} */
    this.kept = new Map();
    this.bytes = 0;
    /** @type {Map<string, { again: boolean }>} */
    this.under = new Map();
    this.closed = false;
  }

  /** The mask by name, the last that is known. @param {string} name */
  get(name) {
    return this.kept.get(name)?.mask ?? null;
  }

  /** Whether what is kept of a mask is true now. @param {string} name */
  fresh(name) {
    const kept = this.kept.get(name);
    return kept !== undefined && !kept.stale && !this.under.has(name);
  }

  /** Fetch a mask where it is missing or out of date. @param {string} name e.g. `labels/12`, `soft/12?objects=1,2`, `labels/12?before=4` */
  want(name) {
    const kept = this.kept.get(name);
    if (this.closed || (kept && !kept.stale) || this.under.has(name) || this.failures.waits(name)) return;
    this.fetch(name);
  }

  /** @param {string} name */
  async fetch(name) {
    const call = { again: false };
    this.under.set(name, call);
    try {
      const mask = await fetchMask(`/api/session/${this.key}/${name}`);
      if (!this.closed) this.keep(name, mask, call.again);
    } catch (error) {
      if (!this.closed) this.failures.add(name);
      if (!this.closed && !(error instanceof TypeError)) this.onTrouble(/** @type {Error} */ (error));
    }
    this.under.delete(name);
    if (!this.closed) this.onNew();
  }

  /** Keep a mask that came by itself. @param {string} name @param {Mask} mask @param {boolean} [stale] */
  keep(name, mask, stale = false) {
    const before = this.kept.get(name);
    if (before) this.bytes -= before.mask.pixels.length;
    this.kept.delete(name);
    this.kept.set(name, { mask, stale });
    this.failures.forget(name);
    this.bytes += mask.pixels.length;
    for (const [oldest, old] of this.kept) {
      if (this.bytes <= MEMORY || this.kept.size < 4) break;
      this.kept.delete(oldest);
      this.bytes -= old.mask.pixels.length;
    }
  }

  /** What is known of these frames is out of date. @param {readonly [number, number][]} spans */
  spoil(spans) {
    const hit = (/** @type {string} */ name) => covers(spans, Number(/\d+/.exec(name)?.[0]));
    for (const [name, kept] of this.kept) if (hit(name)) kept.stale = true;
    for (const [name, call] of this.under) if (hit(name)) call.again = true;
  }

  close() {
    this.closed = true;
    this.failures.clear();
    this.kept.clear();
  }
}
