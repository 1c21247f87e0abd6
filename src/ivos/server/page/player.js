// @ts-check
/** Plays at the video's rate: by the clock, over frames that are here; waits where they are not. */

import { frameAt, timeOf } from "./words.js";
import { workSpan } from "./state.js";

const AHEAD = 24;

/** Frames to fetch while `frame` is shown: itself, those ahead, one behind. @param {number} frame @param {boolean} playing @returns {number[]} */
export function wantedAround(frame, playing) {
  const ahead = playing ? AHEAD : 4;
  return [frame, ...Array.from({ length: ahead }, (_, step) => frame + step + 1), ...(playing ? [] : [frame - 1, frame - 2])];
}

export class Player {
  /** @param {import("./timeline.js").Store} store @param {(frame: number) => boolean} ready whether a frame can be shown */
  constructor(store, ready) {
    this.store = store;
    this.ready = ready;
    /** When the video's time 0 was, on the clock. */
    this.zero = 0;
    store.watch((s) => [s.playing], (s) => s.playing && this.start());
  }

  start() {
    const { video, frame, markOut } = this.store.get();
    if (!video) return;
    const [first, stop] = workSpan(this.store.get());
    const atEnd = frame >= (markOut ?? video.frames - 1);
    const from = atEnd || frame < first || frame >= stop ? first : frame;
    if (from !== frame) this.store.send({ type: "seek", frame: from });
    this.zero = performance.now() - timeOf(video, from) * 1000;
    requestAnimationFrame((now) => this.tick(now));
  }

  /** @param {number} now */
  tick(now) {
    const state = this.store.get();
    const { video, frame } = state;
    if (!state.playing || !video) return;
    const [first, stop] = workSpan(state);
    let due = frameAt(video, (now - this.zero) / 1000);
    if (due >= stop) {
      due = first;
      this.zero = now - timeOf(video, first) * 1000;
    }
    // nothing to show yet: the clock waits, so that nothing is skipped while the first pictures come
    if (due !== frame && !this.ready(due)) {
      const nearest = this.latest(frame, due);
      this.zero = now - timeOf(video, nearest) * 1000;
      due = nearest;
    }
    if (due !== frame) this.store.send({ type: "seek", frame: due });
    requestAnimationFrame((next) => this.tick(next));
  }

  /** The last frame after `frame`, up to `due`, that can be shown; `frame` itself where there is none. @param {number} frame @param {number} due */
  latest(frame, due) {
    for (let other = due; other > frame; other--) if (this.ready(other)) return other;
    return frame;
  }
}
