// Figures with their labels. One that is not known says why: on hovering, on focus and to a screen reader.
import { h } from "vue";

const unknown = (why) => ({ tabindex: 0, role: "note", "aria-label": `unknown: ${why}` });

export default {
  props: { figures: Array },
  render() {
    return h(
      "dl",
      this.figures.map(([label, words, tone, beside, why, isUnknown]) =>
        h("div", { key: label }, [
          h("dt", label),
          h("dd", { class: "figure" }, [
            h("span", { class: tone || null, title: why || null, ...(isUnknown ? unknown(why) : {}) }, words),
          ]),
          h("dd", { class: "beside" }, beside),
        ]),
      ),
    );
  },
};
