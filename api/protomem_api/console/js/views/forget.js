// Forgetting by subject, label, id or receipt, and deleting the whole memory.

import { field, h, input, pick, textarea } from "../dom.js";
import { labelField } from "../labels.js";
import { summary } from "../receipts.js";
import { busily } from "../say.js";
import { deleting, forgetting } from "./confirm.js";

export function forget(live) {
  const keeps = live.info.retain !== "nothing";
  const ways = keeps ? [["subject", "Subject"], ["label", "Label"], ["ids", "Ids"], ["receipt", "Receipt"]] : [["receipt", "Receipt"]];
  const place = h("div", { class: "slot" });
  const done = h("div", { class: "stack", "aria-live": "polite" });
  const what = h("div", {});
  const submit = h("button", { class: "button warn-edge", type: "submit" }, "Show what will go");
  let wish = () => ({});

  function choose(way) {
    const { node, value } = FIELDS[way](live);
    wish = value;
    what.replaceChildren(node);
    place.replaceChildren();
  }

  async function look() {
    const { receipt, problem } = await forgetting(live, wish());
    if (problem) place.replaceChildren(problem);
    if (receipt) {
      choose(form.querySelector("input[type=radio]:checked").value);
      done.prepend(
        h("article", { class: "card stack tight" }, h("div", { class: "row spread" }, h("h2", {}, summary(receipt)), h("span", { class: "chip good" }, `Receipt ${receipt.sequence}`)), h("p", { class: "muted" }, "The memory is now, bit for bit, one that never saw them.")),
      );
    }
  }

  const form = h(
    "form",
    {
      class: "card stack",
      onsubmit: async (event) => {
        event.preventDefault();
        await busily(submit, place, look);
      },
    },
    pick("Forget by", ways, ways[0][0], choose),
    what,
    place,
    h("div", { class: "row" }, submit),
  );
  choose(ways[0][0]);
  done.append(explained(keeps), danger(live));
  return h("div", { class: "two" }, form, done);
}

const FIELDS = {
  subject: () => {
    const subject = input({ name: "subject", required: true, placeholder: "customer-1" });
    return { node: field("Subject", subject, "Everything that is this subject's."), value: () => ({ subject: subject.value.trim() }) };
  },
  label: (live) => {
    const label = labelField(live, { hint: "Every example that carries it, with its other labels." });
    return { node: label.node, value: () => ({ label: label.input.value.trim() }) };
  },
  ids: () => {
    const ids = textarea({ name: "ids", required: true, rows: 4 });
    return { node: field("Ids", ids, "One a line. All of them have to be remembered, or nothing is forgotten."), value: () => ({ ids: lines(ids.value) }) };
  },
  receipt: () => {
    const text = textarea({ name: "receipt", required: true, rows: 6, placeholder: '{"id": …, "kind": "learn", …}' });
    return { node: field("Receipt", text, "The JSON that learning answered: all that it added is forgotten."), value: () => ({ receipt: parsed(text.value) }) };
  },
};

const lines = (text) => [...new Set(text.split("\n").map((one) => one.trim()).filter(Boolean))];

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("This is no JSON. Paste the whole receipt, from { to }.");
  }
}

const explained = (keeps) =>
  h(
    "div",
    { class: "card stack" },
    h("h2", {}, "What happens"),
    h("p", { class: "muted" }, "You see what will go before anything goes. Then it is subtracted, exactly, and no answer, evidence or map shows it any more. A receipt proves it."),
    keeps ? h("p", { class: "muted" }, "An id that was forgotten is refused when it comes again, unless it is taught again on purpose.") : h("p", { class: "muted" }, "This memory keeps sums alone, so only the receipt knows what was taught."),
  );

const danger = (live) =>
  h(
    "div",
    { class: "card row spread" },
    h("div", {}, h("h2", {}, "Delete the memory"), h("p", { class: "muted" }, "With its file and its receipts.")),
    h("button", { class: "button warn-edge", type: "button", onclick: () => deleting(live) }, "Delete…"),
  );
