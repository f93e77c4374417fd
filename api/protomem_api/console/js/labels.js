// Labels as they are offered and as they are typed.

import { field, h, input } from "./dom.js";

const MOST_OFFERED = 500;
let lists = 0;

// A field for one label or several, with the known ones on offer. `value()` gives them as the service takes them.
export function labelField(live, { title = "Label", hint = "Several: separate them with semicolons.", value = "" } = {}) {
  const list = h("datalist", { id: `labels-${++lists}` });
  const text = input({ name: "label", required: true, list: list.id, value });
  const offer = () =>
    list.replaceChildren(...Object.keys(live.classes).slice(0, MOST_OFFERED).map((label) => h("option", { value: label })));
  offer();
  live.addEventListener("change", offer);
  const node = field(title, text, hint);
  node.append(list);
  return { node, input: text, value: () => labelsFrom(text.value) };
}

function labelsFrom(text) {
  const labels = text.split(";").map((label) => label.trim()).filter(Boolean);
  return labels.length === 1 ? labels[0] : labels;
}

export const chips = (labels, kind = "") =>
  h("span", { class: "chips" }, labels.map((label) => h("span", { class: `chip ${kind}` }, label)));
