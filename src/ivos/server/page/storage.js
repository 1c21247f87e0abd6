// @ts-check
/** What the browser remembers for this page. It may be forbidden to: then nothing is remembered. */

/** @typedef {"ivos-view" | "ivos-keys" | "ivos-export"} Lasting kept for good */
/** @typedef {"ivos-tab"} Passing kept while the tab is open */

/** @param {Lasting | Passing} name */
function storage(name) {
  return name === "ivos-tab" ? sessionStorage : localStorage;
}

/** @param {Lasting | Passing} name @returns {any} what was kept, null where there is nothing */
export function recall(name) {
  try {
    return JSON.parse(storage(name).getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Lasting | Passing} name @param {unknown} value */
export function remember(name, value) {
  try {
    storage(name).setItem(name, JSON.stringify(value));
  } catch {
    // forbidden or full: the page works without
  }
}

/** @typedef {{ client: string, project: string, frame: number }} Tab */

/** Who this tab was before it was reloaded, and where. It is kept only from one page to the next: a tab that
 * is duplicated finds nothing here, and so is another one. @returns {Tab} */
export function takeTab() {
  const kept = recall("ivos-tab");
  remember("ivos-tab", null);
  const client = typeof kept?.client === "string" && kept.client ? kept.client : newName();
  return { client, project: String(kept?.project ?? ""), frame: Number(kept?.frame) || 0 };
}

function newName() {
  return crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
}
