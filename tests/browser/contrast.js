() => {
  // the colour of a text and of what is behind it, by WCAG 2.1's formula
  const parse = (text) => (text.match(/[\d.]+/g) ?? ["0", "0", "0", "0"]).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = ([r, g, b, a = 1], ground) => [r, g, b].map((v, i) => v * a + ground[i] * (1 - a));
  const ground = (element) => {
    const chain = [];
    for (let at = element; at; at = at.parentElement) chain.unshift(parse(getComputedStyle(at).backgroundColor));
    return chain.reduce((under, colour) => over(colour.length < 4 ? [...colour, 1] : colour, under), [15, 17, 20]);
  };
  const poor = [];
  for (const element of document.querySelectorAll("#work *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.offsetParent === null || element.closest(":disabled")) continue;
    if (getComputedStyle(element).opacity === "0" || element.closest(".answer")) continue;
    const back = ground(element);
    const front = over(parse(getComputedStyle(element).color), back);
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
