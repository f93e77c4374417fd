// A box to try an item, and what the memory says of it.

import { call, memoryPath } from "../api.js";
import { check, empty, field, h, select, textarea } from "../dom.js";
import { isVectors, itemsFrom } from "../format.js";
import { busily } from "../say.js";
import { answerCard } from "./answer.js";

const COVERAGES = [["", "No set"], [0.8, "80%"], [0.9, "90%"], [0.95, "95%"], [0.99, "99%"]];
const FALSE_ALARMS = [["", "Always answer"], [0.01, "1%"], [0.05, "5%"], [0.1, "10%"]];
const RANKS = [3, 5, 10, 20].map((number) => [number, number]);
const NEAREST = [0, 3, 5, 10].map((number) => [number, number]);

export function tryIt(live, signal) {
  const result = h("div", { class: "stack", "aria-live": "polite", "aria-atomic": "false" });
  const trouble = h("div", { class: "slot" });
  const asked = question(live.info);
  const vectors = isVectors(live.info.encoder);
  const text = textarea({
    name: "item",
    required: true,
    rows: 4,
    placeholder: vectors ? `${live.info.dimension} numbers, such as 0.12, −0.5, …` : "Where is my parcel?",
    onkeydown: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.requestSubmit(),
  });
  const submit = h("button", { class: "button primary", type: "submit" }, "Ask");
  const form = h(
    "form",
    {
      class: "card stack",
      onsubmit: async (event) => {
        event.preventDefault();
        await busily(submit, trouble, ask);
      },
    },
    field(vectors ? "Vector" : "Text", text, "Nothing is remembered of it. Ctrl + Enter asks."),
    asked.node,
    trouble,
    h("div", { class: "row" }, submit),
  );

  async function ask() {
    const items = itemsFrom(text.value.replaceAll("\n", " "), live.info);
    const body = { items, ...asked.value() };
    const { answers } = await call("POST", memoryPath(live.name, "/predict"), { body, signal });
    result.replaceChildren(answerCard(live, items[0], answers[0], body));
  }

  const start = () =>
    result.replaceChildren(
      h(
        "div",
        { class: "card" },
        live.info.examples
          ? empty("The answer appears here", "With its probability, what else it might be, how strange the item is, and the examples that speak for it.")
          : empty("It remembers nothing yet", "Teach it a few examples first.", h("a", { class: "button", href: `#/m/${encodeURIComponent(live.name)}/teach` }, "Teach")),
      ),
    );
  start();
  return h("div", { class: "two" }, form, result);
}

function question(info) {
  const compares = info.retain !== "nothing";
  const coverage = select(COVERAGES, compares ? 0.9 : "", { disabled: !compares });
  const alarm = select(FALSE_ALARMS, compares ? 0.05 : "", { disabled: !compares });
  const ranks = select(RANKS, 5);
  const nearest = select(NEAREST, 3);
  const [explainLine, explain] = check("Explain the answer", true);
  const number = (control) => (control.value === "" ? null : Number(control.value));
  const node = h(
    "details",
    {},
    h("summary", {}, "Options"),
    h(
      "div",
      { class: "options" },
      field("Label set holds the truth", coverage),
      field("Say “none of these” for", alarm, compares ? "of ordinary items, by chance" : "Needs kept examples."),
      field("Labels in the ranking", ranks),
      field("Nearest examples", nearest),
    ),
    h("div", { class: "options" }, explainLine),
  );
  const value = () => ({
    top_k: Number(ranks.value),
    evidence: Number(nearest.value),
    coverage: number(coverage),
    false_alarm: number(alarm),
    explain: explain.checked,
  });
  return { node, value };
}
