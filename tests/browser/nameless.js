() => {
  // controls that a screen reader could say nothing about
  const named = (one) =>
    one.getAttribute("aria-label") || one.textContent.trim() || one.closest("label")?.textContent.trim() || one.getAttribute("role") === "status";
  return [...document.querySelectorAll("#work button, #work input, #work [role]")]
    .filter((one) => one.offsetParent !== null && !named(one))
    .map((one) => one.outerHTML.slice(0, 120));
}
