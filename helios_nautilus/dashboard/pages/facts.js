// Labels on the left, words on the right.
import { h } from "vue";

export default {
  props: { facts: Array },
  render() {
    return h(
      "dl",
      this.facts.map(([label, words, tone, why]) =>
        h("div", [h("dt", label), h("dd", { class: tone || null, title: why || null }, words)]),
      ),
    );
  },
};
