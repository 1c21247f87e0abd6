// @ts-check
/** What could not be fetched, and when it may be asked for again: later each time. */

const FIRST = 500;
const LONGEST = 30_000;

export class Failures {
  /** @param {() => void} onDue something may be asked for again */
  constructor(onDue) {
    this.onDue = onDue;
    /** @type {Map<string | number, { wait: number, timer: ReturnType<typeof setTimeout> | null }>} */
    this.known = new Map();
  }

  /** @param {string | number} name */
  add(name) {
    const before = this.known.get(name);
    if (before?.timer) clearTimeout(before.timer);
    const wait = before ? Math.min(LONGEST, before.wait * 2) : FIRST;
    const entry = { wait, timer: /** @type {ReturnType<typeof setTimeout> | null} */ (null) };
    entry.timer = setTimeout(() => {
      entry.timer = null;
      this.onDue();
    }, wait);
    this.known.set(name, entry);
  }

  /** Whether it failed and must not be asked for yet. @param {string | number} name */
  waits(name) {
    return Boolean(this.known.get(name)?.timer);
  }

  /** It came after all. @param {string | number} name */
  forget(name) {
    const entry = this.known.get(name);
    if (entry?.timer) clearTimeout(entry.timer);
    this.known.delete(name);
  }

  clear() {
    for (const name of [...this.known.keys()]) this.forget(name);
  }
}
