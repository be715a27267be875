"use strict";
// Draws the charts in the colours of the page, and again when those change (dark mode, printing).
(() => {
  const specs = JSON.parse(document.getElementById("chart-specs").textContent);
  const touch = matchMedia("(pointer: coarse)").matches;

  function coloured(value, style) {
    if (typeof value === "string") {
      const name = /^var\((--[a-z-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const family = getComputedStyle(document.body).fontFamily;
    for (const [id, spec] of Object.entries(specs)) {
      const { data, layout } = coloured(spec, style);
      layout.font.family = family;
      layout.dragmode = touch ? false : "zoom"; // a finger scrolls the page
      Plotly.react(id, data, layout, { displayModeBar: false, responsive: true });
    }
  }

  draw();
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", draw);
})();
