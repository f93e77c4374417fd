// Classes with their counts, sorted and filtered, and the examples of one of them.

import { memoryPath, pages } from "../api.js";
import { bar, empty, h, icon, input, table } from "../dom.js";
import { count, percent, whole } from "../format.js";
import { told } from "../say.js";
import { forgetting } from "./confirm.js";

const MOST_ROWS = 200;
const PAGE = 20;

export function classes(live, signal) {
  const shown = { by: "count", down: true, filter: "", all: false, open: null };
  const box = h("div", { class: "flush" });
  const filter = input({
    type: "search",
    class: "input filter",
    placeholder: "Filter by name",
    "aria-label": "Filter classes by name",
    oninput: () => {
      shown.filter = filter.value.toLowerCase();
      show();
    },
  });
  const told_ = h("p", { class: "muted small", role: "status" });
  const tools = h("div", { class: "row spread" }, filter, told_);

  function show() {
    const all = Object.entries(live.classes);
    tools.hidden = !all.length;
    if (!all.length) return box.replaceChildren(nothing(live.name));
    const found = all.filter(([label]) => label.toLowerCase().includes(shown.filter)).sort(order(shown));
    told_.textContent = found.length === all.length ? count(all.length, "class", "classes") : `${whole(found.length)} of ${count(all.length, "class", "classes")}`;
    const total = all.reduce((sum, [, number]) => sum + number, 0);
    const most = Math.max(...all.map(([, number]) => number));
    const visible = shown.all ? found : found.slice(0, MOST_ROWS);
    const rows = visible.flatMap(([label, number]) => classRows(label, number, most, total));
    const more = found.length > visible.length ? h("button", { class: "button", type: "button", onclick: () => ((shown.all = true), show()) }, `Show all ${whole(found.length)}`) : null;
    box.replaceChildren(
      found.length ? table("Classes", heads(), rows) : empty("No class of this name", "Change the filter."),
      ...(more ? [more] : []),
    );
  }

  const heads = () => [
    sortHead("label", "Label"),
    sortHead("count", "Examples"),
    h("th", { scope: "col", class: "right hide-small" }, "Share"),
    h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Actions")),
  ];

  function sortHead(by, title) {
    const current = shown.by === by;
    const turn = () => {
      shown.down = current ? !shown.down : by === "count";
      shown.by = by;
      show();
      box.querySelector(`[data-sort="${by}"]`).focus();
    };
    return h(
      "th",
      { scope: "col", "aria-sort": current ? (shown.down ? "descending" : "ascending") : "none" },
      h("button", { class: "sort", type: "button", "data-sort": by, onclick: turn }, title, current ? icon(shown.down ? "down" : "up") : null),
    );
  }

  function classRows(label, number, most, total) {
    const open = shown.open === label;
    const turn = () => {
      shown.open = open ? null : label;
      show();
      [...box.querySelectorAll(".link")].find((one) => one.textContent === label)?.focus();
    };
    const keeps = live.info.retain !== "nothing";
    const name = keeps ? h("button", { class: "link", type: "button", "aria-expanded": String(open), onclick: turn }, label) : label;
    const row = h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      h("td", {}, h("div", { class: "count-cell" }, bar(number / most), h("span", {}, whole(number)))),
      h("td", { class: "right muted hide-small" }, percent(number / total)),
      h("td", { class: "right" }, keeps ? forgetButton(live, { label }, label) : null),
    );
    return open ? [row, h("tr", {}, h("td", { class: "examples-cell", colspan: 4 }, examples(live, label, signal)))] : [row];
  }

  show();
  live.addEventListener("change", show);
  return h("section", { class: "card stack", "aria-label": "Classes" }, tools, box);
}

const nothing = (name) =>
  empty("No classes yet", "A class is there as soon as an example carries its label.", h("a", { class: "button", href: `#/m/${encodeURIComponent(name)}/teach` }, "Teach"));

function order({ by, down }) {
  const sign = down ? -1 : 1;
  const byName = (one, other) => one[0].localeCompare(other[0]);
  return by === "label" ? (one, other) => sign * byName(one, other) : (one, other) => sign * (one[1] - other[1]) || byName(one, other);
}

function forgetButton(live, wish, name) {
  return h("button", { class: "button quiet slim", type: "button", "aria-label": `Forget ${name}`, onclick: () => forgetting(live, wish) }, "Forget");
}

// The examples of a label, page by page.
function examples(live, label, signal) {
  const list = h("ul", { class: "examples" });
  const more = h("button", { class: "button slim", type: "button" }, "More");
  const box = h("div", { "aria-live": "polite" }, h("p", { class: "loading examples" }, "Loading…"));

  async function load(after) {
    try {
      const page = await pages(memoryPath(live.name, "/examples"), "examples", { signal, most: PAGE, after, query: { label } });
      list.append(...page.found.map((one) => example(live, one)));
      more.onclick = () => load(page.found.at(-1).id);
      more.hidden = !page.more;
      box.replaceChildren(list, h("div", { class: "examples" }, more));
      if (more.hidden) more.parentNode.remove();
    } catch (problem) {
      const note = told(problem);
      if (note) box.replaceChildren(note);
    }
  }

  load(null);
  return box;
}

function example(live, one) {
  const others = one.labels.length > 1 ? ` · ${one.labels.join(", ")}` : "";
  return h(
    "li",
    {},
    h(
      "div",
      {},
      one.item === null ? null : h("p", { class: "break" }, one.item),
      h("p", { class: "muted small break" }, h("code", {}, one.id), one.subject === null ? "" : ` · ${one.subject}`, others),
    ),
    forgetButton(live, { ids: [one.id] }, one.id),
  );
}
