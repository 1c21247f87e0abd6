// @ts-check
/** Where keys go: after a press of the mouse to the work, by Tab to the control that was walked to. */

const PRESSED = "button, input[type=checkbox], input[type=range], label";

/** Give the keyboard back to the frame when a control of the working page was used with a pointer.
 * @param {HTMLElement} work @param {HTMLElement} canvas */
export function mountFocus(work, canvas) {
  let byPointer = false;
  const back = (/** @type {Event} */ event) => {
    if (event.target instanceof Element && event.target.closest(PRESSED)) canvas.focus({ preventScroll: true });
  };
  window.addEventListener("keydown", () => { byPointer = false; }, true);
  window.addEventListener("pointerdown", () => { byPointer = true; }, true);
  // before the control does what it does: a dialog that it opens returns the keyboard to who had it
  work.addEventListener("click", (event) => event.detail > 0 && back(event), true);
  work.addEventListener("change", (event) => byPointer && back(event));
}
