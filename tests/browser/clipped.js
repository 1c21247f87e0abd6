() => {
  // Parts of the page that hold more than they show and cannot be scrolled. The frame itself may be larger than its window.
  const parts = document.querySelectorAll("body, .work, .top, .rail, .side, .bottom, .transport, .lanes, .card, .runbox, dialog, .bar");
  const over = (part, size, flow) => {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(part)[`overflow${flow}`]);
    return !scrolls && part[`scroll${size}`] > part[`client${size}`] + 1;
  };
  return [...parts].filter((part) => part.checkVisibility()).flatMap((part) =>
    [["Width", "X"], ["Height", "Y"]].filter(([size, flow]) => over(part, size, flow)).map(([size]) => `${part.className || part.tagName} ${size}`));
}
