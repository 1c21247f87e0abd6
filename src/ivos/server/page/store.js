// @ts-check
/** Holds the state, and tells who listens when the part that they look at changes. */

/** @template S, E
 * @typedef {object} Store
 * @property {() => S} get
 * @property {(event: E) => void} send
 * @property {(part: (state: S) => readonly unknown[], listener: (state: S) => void) => void} watch
 *   calls the listener now, and whenever one of the parts is another value than before */

/** @template S, E
 * @param {S} start @param {(state: S, event: E) => S} next @returns {Store<S, E>} */
export function createStore(start, next) {
  let state = start;
  /** @type {(() => void)[]} */
  const listeners = [];
  return {
    get: () => state,
    send(event) {
      state = next(state, event);
      for (const listener of listeners) listener();
    },
    watch(part, listener) {
      let before = part(state);
      listener(state);
      listeners.push(() => {
        const now = part(state);
        if (now.length === before.length && now.every((value, at) => Object.is(value, before[at]))) return;
        before = now;
        listener(state);
      });
    },
  };
}
