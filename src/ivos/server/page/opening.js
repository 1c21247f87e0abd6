// @ts-check
/** The first page: drop a video, pick one from the folder, or go on with a project. */

import { InUse, request, upload } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { percent, size } from "./words.js";

/** @typedef {import("./protocol.js").PlacesValue} PlacesValue */
/** @typedef {import("./protocol.js").PlaceValue} PlaceValue */

export class Opening {
  /** @param {(key: string) => void} onOpened @param {() => boolean} mayGoBack whether a video is open behind this page */
  constructor(onOpened, mayGoBack) {
    this.onOpened = onOpened;
    this.mayGoBack = mayGoBack;
    this.root = byId("start", HTMLElement);
    this.folder = "";
    this.problem = "";
    this.busy = "";
    /** A project that another process has open. @type {string | null} */
    this.inUse = null;
    this.onBack = () => {};
    this.pick = byId("pickvideo", HTMLInputElement);
    this.pick.addEventListener("change", () => {
      const file = this.pick.files?.[0];
      if (file) this.send(file);
      this.pick.value = "";
    });
    this.listenToDrops();
  }

  /** @param {string} [problem] */
  async show(problem = "") {
    this.problem = problem;
    this.root.hidden = false;
    await this.draw();
  }

  hide() {
    this.root.hidden = true;
  }

  async draw() {
    /** @type {PlacesValue | null} */
    let places = null;
    try {
      places = await request("GET", `/api/places?folder=${encodeURIComponent(this.folder)}`);
    } catch (error) {
      this.problem ||= /** @type {Error} */ (error).message;
    }
    const logo = icon("project");
    this.root.replaceChildren(
      make("div", { class: "inner" },
        make("h1", {}, logo, "ivos"),
        make("p", { class: "lead" }, "Cut objects out of video with a few scribbles."),
        this.problem ? make("div", { class: "problem", role: "alert" }, this.problem, this.takeOver()) : null,
        this.busy ? this.waiting() : this.dropzone(),
        places ? this.crumbs(places) : null,
        places ? this.list(places) : null,
        this.mayGoBack() ? make("p", {}, make("button", { class: "flat", onclick: () => this.onBack() }, "Back to the open video")) : null,
      ),
    );
  }

  takeOver() {
    const path = this.inUse;
    if (path === null) return null;
    return make("button", { class: "flat", onclick: () => this.open(path, true) }, "Take it over");
  }

  waiting() {
    return make("div", { class: "dropzone", role: "status" }, make("p", { id: "busy" }, this.busy), make("progress", { id: "sent", max: 1 }));
  }

  dropzone() {
    return make("div", { class: "dropzone" },
      make("p", {}, "Drop a video here"),
      make("button", { class: "primary", onclick: () => this.pick.click() }, "Choose a video…"),
      make("p", { class: "dim" }, "It stays on the machine that runs ivos. Nothing is sent anywhere else."));
  }

  /** @param {PlacesValue} places */
  crumbs(places) {
    const parts = places.folder.split("/").filter(Boolean);
    const go = (/** @type {string} */ folder) => {
      this.folder = folder;
      this.problem = "";
      this.draw();
    };
    const trail = make("div", { class: "crumbs" }, "In the folder", make("button", { onclick: () => go("") }, places.root || "/"));
    parts.forEach((part, at) => trail.append("/", make("button", { onclick: () => go(parts.slice(0, at + 1).join("/")) }, part)));
    return trail;
  }

  /** @param {PlacesValue} places */
  list(places) {
    const box = make("div", { class: "places" });
    if (places.places.length === 0) box.append(make("p", { class: "empty" }, "No video in this folder. Drop one above, or start `ivos serve` with another folder."));
    for (const place of places.places) {
      const about = place.kind === "folder" ? "folder" : place.kind === "images" ? "pictures" : place.kind === "project" ? `go on · ${size(place.size)}` : size(place.size);
      box.append(make("button", { class: place.kind, onclick: () => this.choose(place) }, icon(place.kind), make("b", {}, place.name), make("span", { class: "dim" }, about)));
    }
    return box;
  }

  /** @param {PlaceValue} place */
  choose(place) {
    if (place.kind === "folder") {
      this.folder = place.path;
      this.draw();
    } else this.open(place.path);
  }

  /** @param {string} path @param {boolean} [takeOver] from another process */
  async open(path, takeOver = false) {
    if (this.busy.startsWith("Opening")) return; // the second press of a double click
    this.problem = "";
    this.inUse = null;
    this.busy = `Opening ${path}…`;
    this.draw();
    try {
      const opened = await request("POST", "/api/open", { path, take_over: takeOver });
      this.busy = "";
      this.onOpened(opened.key);
    } catch (error) {
      this.busy = "";
      if (error instanceof InUse) this.inUse = path;
      this.show(/** @type {Error} */ (error).message);
    }
  }

  /** @param {File} file */
  async send(file) {
    this.problem = "";
    this.busy = `Copying ${file.name}…`;
    await this.show();
    try {
      const { path } = await upload(file, (fraction) => {
        const bar = document.getElementById("sent");
        if (bar instanceof HTMLProgressElement) bar.value = fraction;
        const words = document.getElementById("busy");
        if (words) words.textContent = `Copying ${file.name}… ${percent(fraction)}`;
      });
      await this.open(path);
    } catch (error) {
      this.busy = "";
      await this.show(/** @type {Error} */ (error).message);
    }
  }

  listenToDrops() {
    const drop = byId("drop", HTMLDivElement);
    const hasFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
    window.addEventListener("dragover", (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      drop.hidden = false;
    });
    window.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) drop.hidden = true;
    });
    window.addEventListener("drop", (event) => {
      drop.hidden = true;
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      this.onDrop(file);
    });
  }

  /** What to do with a dropped file; the page says otherwise for masks. @param {File} file */
  onDrop(file) {
    this.send(file);
  }
}
