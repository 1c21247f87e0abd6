// @ts-check
/** Shows the server's own OpenAPI description, without anything from elsewhere. */

import { byId, make } from "./dom.js";
import { VERSION } from "./protocol.js";

/** @typedef {{ name: string, in: string, required?: boolean, schema?: { type?: string } }} Parameter */
/** @typedef {{ summary?: string, description?: string, tags?: string[], parameters?: Parameter[], requestBody?: object }} Operation */

const root = byId("docs", HTMLElement);
const description = await (await fetch("/openapi.json")).json();
root.append(
  make("p", {}, `${description.info.description} Version ${description.info.version}, protocol ${VERSION}. `,
    make("a", { href: "/openapi.json" }, "openapi.json")),
  make("p", { class: "dim" }, `Requests that change something carry the header X-Ivos-Protocol: ${VERSION}. The messages on the socket are described in server/protocol.py.`),
);
/** @type {[string, string, Operation][]} */
const operations = Object.entries(description.paths).flatMap(([path, verbs]) =>
  Object.entries(/** @type {Record<string, Operation>} */ (verbs)).map(([verb, operation]) => /** @type {[string, string, Operation]} */ ([path, verb, operation])),
);
for (const tag of new Set(operations.map(([, , operation]) => operation.tags?.[0] ?? ""))) {
  root.append(make("h2", {}, tag));
  for (const [path, verb, operation] of operations.filter(([, , one]) => (one.tags?.[0] ?? "") === tag)) {
    const list = make("ul");
    for (const parameter of operation.parameters ?? []) {
      list.append(make("li", {}, make("code", {}, parameter.name), ` ${parameter.schema?.type ?? ""} in the ${parameter.in}${parameter.required ? "" : ", may be left out"}`));
    }
    root.append(make("section", {}, make("code", {}, make("span", { class: "verb" }, verb.toUpperCase()), " ", path), make("p", {}, operation.description ?? operation.summary ?? ""), list));
  }
}
