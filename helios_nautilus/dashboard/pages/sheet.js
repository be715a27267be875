// A table. Vue keeps the elements of rows that stay, and with them whoever has the keyboard or a screen reader on one.
import { h } from "vue";

const chip = (tone) => (tone ? `chip ${tone}` : "chip");

const fill = (column, words, tone, why, href, isChip) => {
  const place = { role: "cell", "data-label": column.title };
  if (!href && !isChip) return h("td", { ...place, class: [column.kind, tone], title: why || null }, words);
  const inner = { class: isChip ? chip(tone) : tone || null, title: why || null, href: href || null };
  return h("td", { ...place, class: column.kind }, h(href ? "a" : "span", inner, words));
};

const line = (columns, [key, cells]) =>
  h(
    "tr",
    { key, role: "row", "data-key": key },
    cells.map((cell, at) => (Array.isArray(cell) ? fill(columns[at], ...cell) : fill(columns[at], cell))),
  );

export default {
  props: { caption: String, columns: Array, rows: Array, empty: String },
  render() {
    const table = () =>
      h("table", { class: "sheet", role: "table" }, [
        h("caption", { class: "unseen" }, this.caption),
        h("thead", { role: "rowgroup" }, [
          h(
            "tr",
            { role: "row" },
            this.columns.map(({ title, kind }) => h("th", { class: kind, scope: "col", role: "columnheader" }, title)),
          ),
        ]),
        h(
          "tbody",
          { role: "rowgroup" },
          this.rows.map((row) => line(this.columns, row)),
        ),
      ]);
    return h("div", { class: "scroll" }, this.rows.length ? table() : h("p", { class: "none" }, this.empty));
  },
};
