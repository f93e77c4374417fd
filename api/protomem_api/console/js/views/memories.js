// All memories that the key may read, and a form for a new one.

import { call, pages } from "../api.js";
import { actions, ask } from "../dialog.js";
import { empty, field, h, icon, input, select } from "../dom.js";
import { count, encoderName, KEEPS, whole } from "../format.js";
import { busily, say } from "../say.js";

const MOST = 200;
const VECTORS = "vectors";
const OTHER = "other";
const ENCODERS = [
  ["layers:all-MiniLM-L6-v2", "Texts, by all layers of all-MiniLM-L6-v2"],
  ["onnx:all-MiniLM-L6-v2", "Texts, by the last layer of all-MiniLM-L6-v2"],
  ["all-MiniLM-L6-v2", "Texts, by the last layer, with PyTorch"],
  [VECTORS, "Vectors that you bring"],
  [OTHER, "Another encoder of this server"],
];
const RETAINS = [
  ["items", "Texts and codes: evidence can be read"],
  ["codes", "Codes: no text is kept"],
  ["nothing", "Sums alone: whoever teaches keeps the receipts"],
];

export async function memories(signal) {
  const { found, more } = await pages("v1/memories", "memories", { signal, most: MOST });
  const create = () => h("button", { class: "button primary", type: "button", onclick: () => newMemory() }, icon("plus"), "New memory");
  const list = found.length
    ? h("ul", { class: "memories" }, found.map(card))
    : h("div", { class: "card" }, empty("No memories yet", "A memory learns labels from examples, answers for new items, and forgets exactly.", create()));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, "Memories"), h("p", { class: "muted" }, found.length ? total(found, more) : "What this server has learned.")),
      found.length ? create() : null,
    ),
    list,
  );
}

function total(found, more) {
  const open = found.filter((one) => one.is_open);
  const examples = count(open.reduce((sum, one) => sum + one.examples, 0), "example");
  const where = open.length < found.length ? ` in the ${whole(open.length)} that are open` : "";
  return `${more ? "The first " : ""}${count(found.length, "memory", "memories")}, ${examples}${where}`;
}

// A memory that nobody has used for long is closed; it tells its numbers when it is looked at.
const figure = (number) => (number === null ? h("span", { class: "muted", title: "Not open: look at it to see" }, "–") : whole(number));

function kind(one) {
  const known = [one.encoder && encoderName(one.encoder), one.retain && `keeps ${KEEPS[one.retain]}`].filter(Boolean);
  return known.join(" · ") || "not opened yet";
}

function card(one) {
  return h(
    "li",
    {},
    h(
      "a",
      { class: "card memory-card", href: `#/m/${encodeURIComponent(one.name)}/try` },
      h("div", {}, h("h2", {}, one.name), h("p", { class: "muted small break" }, kind(one))),
      h(
        "dl",
        { class: "figures" },
        h("div", { class: "figure" }, h("dt", {}, "Examples"), h("dd", {}, figure(one.examples))),
        h("div", { class: "figure" }, h("dt", {}, "Classes"), h("dd", {}, figure(one.classes))),
      ),
    ),
  );
}

async function newMemory() {
  const made = await ask((close) => ({ title: "New memory", content: form(close) }));
  if (!made) return;
  say(`${made.name} is ready`);
  location.hash = `#/m/${encodeURIComponent(made.name)}/teach`;
}

function form(close) {
  const name = input({ name: "name", required: true, pattern: "[a-z0-9][a-z0-9_\\-]{0,63}", maxlength: 64, placeholder: "support", spellcheck: "false" });
  const dimension = input({ type: "number", name: "dimension", min: 1, max: 4096, value: 384, required: true });
  const other = input({ name: "other", placeholder: "its name" });
  const retain = select(RETAINS, "items", { name: "retain" });
  const dimensionField = field("Numbers in a vector", dimension);
  const otherField = field("Name of the encoder", other);
  const encoder = select(ENCODERS, ENCODERS[0][0], { name: "encoder", onchange: () => adapt() });
  const trouble = h("div", { class: "slot" });
  const submit = h("button", { class: "button primary", type: "submit" }, "Create");

  function adapt() {
    dimensionField.hidden = encoder.value !== VECTORS;
    otherField.hidden = encoder.value !== OTHER;
    if (encoder.value === VECTORS && retain.value === "items") retain.value = "codes";
  }

  function wanted() {
    const chosen = { [VECTORS]: `vectors:${dimension.value}`, [OTHER]: other.value.trim() }[encoder.value] ?? encoder.value;
    return { name: name.value, encoder: chosen, retain: retain.value };
  }

  adapt();
  return h(
    "form",
    {
      class: "stack",
      onsubmit: async (event) => {
        event.preventDefault();
        const may = "This key may not create a memory of this name: that needs the role admin.";
        const made = await busily(submit, trouble, () => call("POST", "v1/memories", { body: wanted() }), may);
        if (made) close(made);
      },
    },
    field("Name", name, "Small letters, digits, - and _. It is part of addresses and file names."),
    field("What it takes", encoder, "Fixed for good."),
    dimensionField,
    otherField,
    field("What it keeps of an example", retain, "Fixed for good."),
    trouble,
    actions(close, submit),
  );
}
