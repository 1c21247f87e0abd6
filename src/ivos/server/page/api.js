// @ts-check
/** Talking to the server: requests, and the one socket of a session. */

import { VERSION } from "./protocol.js";
import { unpack } from "./packets.js";

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {Command extends infer C ? C extends Command ? Omit<C, "id"> : never : never} Wish a command without its number */

/** @param {string} method @param {string} path @param {BodyInit | object | null} [body] @returns {Promise<any>}
 *   the answer's JSON; rejects with the server's own words */
export async function request(method, path, body = null) {
  const raw = body instanceof Blob || body === null;
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body: raw ? body : JSON.stringify(body),
      headers: { "X-Ivos-Protocol": String(VERSION), ...(raw ? {} : { "Content-Type": "application/json" }) },
    });
  } catch {
    throw new Error("the server does not answer: is `ivos serve` still running?");
  }
  if (answer.ok) return answer.json();
  throw await problemOf(answer);
}

/** Another process has the project open; it can be taken from it. */
export class InUse extends Error {}

/** What an answer says went wrong. @param {Response} answer */
export async function problemOf(answer) {
  try {
    const said = await answer.json();
    if (typeof said.detail === "string") return said.in_use ? new InUse(said.detail) : new Error(said.detail);
  } catch {
    // not JSON: the status has to do
  }
  return new Error(`the server answered ${answer.status} ${answer.statusText}`);
}

/** A mask by address. @param {string} address @param {AbortSignal} [signal] */
export async function fetchMask(address, signal) {
  const answer = await fetch(address, signal ? { signal } : {});
  if (!answer.ok) throw await problemOf(answer);
  return unpack(await answer.arrayBuffer());
}

/** Send a file, telling how much of it is there. @param {File} file @param {(fraction: number) => void} progress @returns {Promise<{ path: string }>} */
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("PUT", `/api/uploads/${encodeURIComponent(file.name)}`);
    call.setRequestHeader("X-Ivos-Protocol", String(VERSION));
    call.setRequestHeader("Content-Type", "application/octet-stream");
    call.responseType = "json";
    call.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
    call.onerror = () => reject(new Error(`${file.name} could not be sent: is \`ivos serve\` still running?`));
    call.onload = () => {
      if (call.status < 300) resolve(call.response);
      else reject(new Error(call.response?.detail ?? `the server answered ${call.status}`));
    };
    call.send(file);
  });
}

/** @typedef {object} Listeners
 * @property {(event: ServerEvent) => void} onEvent
 * @property {(mask: import("./packets.js").Mask) => void} onMask
 * @property {(on: boolean) => void} onConnection
 * @property {() => void} onGone the server does not know this session any more */

/** The socket of one session. It says hello, numbers commands, and comes back when the server does. */
export class Connection {
  /** @param {string} key @param {string} client @param {Listeners} listeners */
  constructor(key, client, listeners) {
    this.key = key;
    this.client = client;
    this.listeners = listeners;
    this.number = 0;
    this.closed = false;
    this.refused = false;
    this.wait = 300;
    /** @type {Map<number, { done: (event: import("./protocol.js").Done) => void, failed: (error: Error) => void }>} */
    this.asked = new Map();
    /** @type {WebSocket | null} */
    this.socket = null;
    this.connect(false);
  }

  /** @param {boolean} takeOver */
  connect(takeOver) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/session/${this.key}/live`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", version: VERSION, client: this.client, take_over: takeOver }));
    };
    socket.onmessage = (message) => this.heard(message.data);
    socket.onclose = (event) => this.lost(event);
  }

  /** @param {string | ArrayBuffer} data */
  heard(data) {
    if (data instanceof ArrayBuffer) {
      unpack(data).then(this.listeners.onMask);
      return;
    }
    /** @type {ServerEvent} */
    const event = JSON.parse(data);
    if (event.type === "refused" || event.type === "closed") this.refused = true;
    if (event.type === "welcome") {
      this.wait = 300;
      if (event.version !== VERSION) {
        const reason = `the page speaks protocol ${VERSION}, the server ${event.version}: reload the page`;
        this.refused = true;
        this.listeners.onEvent({ type: "refused", reason });
        this.close();
        return;
      }
    }
    this.listeners.onEvent(event);
    if (event.type === "done") this.answered(event.id)?.done(event);
    if (event.type === "failed") this.answered(event.id)?.failed(new Error(event.message));
  }

  /** @param {number} id */
  answered(id) {
    const waiting = this.asked.get(id);
    this.asked.delete(id);
    return waiting;
  }

  /** @param {CloseEvent} event */
  lost(event) {
    for (const waiting of this.asked.values()) waiting.failed(new Error("the server went away before it answered: try again"));
    this.asked.clear();
    if (this.closed || this.refused) return;
    this.listeners.onConnection(false);
    if (event.code === 4404) {
      this.listeners.onGone();
      return;
    }
    setTimeout(() => !this.closed && this.find(), this.wait);
    this.wait = Math.min(4000, this.wait * 1.7);
  }

  /** Come back: to the same session if the server still has it, else start over with what it has now. */
  async find() {
    try {
      const hello = await request("GET", "/api/hello");
      if (hello.key === this.key) this.connect(false);
      else this.listeners.onGone();
    } catch {
      setTimeout(() => !this.closed && this.find(), this.wait);
      this.wait = Math.min(4000, this.wait * 1.7);
    }
  }

  /** The number that the next command will have. */
  get nextNumber() {
    return this.number + 1;
  }

  /** @param {Wish} wish @returns {Promise<import("./protocol.js").Done>} rejects with the server's words */
  send(wish) {
    const id = ++this.number;
    return new Promise((done, failed) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        failed(new Error("the server does not answer: is `ivos serve` still running?"));
        return;
      }
      this.asked.set(id, { done, failed });
      this.socket.send(JSON.stringify({ ...wish, id }));
    });
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }
}
