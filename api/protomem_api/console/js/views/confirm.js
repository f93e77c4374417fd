// Nothing is forgotten before this has named what will go.

import { call, change, memoryPath, pages } from "../api.js";
import { actions, ask } from "../dialog.js";
import { check, h } from "../dom.js";
import { count } from "../format.js";
import { chips } from "../labels.js";
import { summary } from "../receipts.js";
import { busily, MAY_WRITE, say, told } from "../say.js";

const MOST_NAMED = 50;
const MOST_CLASSES = 8;
const MOST_COUNTED = 20_000;

// `wish` is one of {ids}, {subject}, {label}, {receipt}. The promise holds the receipt, or null if it was called off.
export async function forgetting(live, wish) {
  let going;
  try {
    going = await found(live, wish);
  } catch (problem) {
    return { problem: told(problem) };
  }
  if (!going.count) return { problem: nothing(wish) };
  const receipt = await ask((close) => ({ title: title(wish, going), content: content(live, wish, going, close) }));
  if (!receipt) return { receipt: null };
  say(summary(receipt));
  await live.refresh();
  return { receipt };
}

async function found(live, wish) {
  if (wish.receipt) return { count: wish.receipt.count, examples: [], ids: wish.receipt.ids ?? [] };
  if (wish.ids) return { count: wish.ids.length, examples: [], ids: wish.ids };
  const { found: examples, more } = await pages(memoryPath(live.name, "/examples"), "examples", { most: MOST_COUNTED, query: wish });
  return { count: examples.length, more, examples, ids: [] };
}

const OF = {
  ids: () => "by id",
  subject: (wish) => `of ${wish.subject}`,
  label: (wish) => `labelled ${wish.label}`,
  receipt: (wish) => `of receipt ${wish.receipt.sequence}`,
};

const kindOf = (wish) => Object.keys(OF).find((kind) => wish[kind] !== undefined);

function title(wish, going) {
  const many = `${going.more ? "More than " : ""}${count(going.count, "example")}`;
  return `Forget ${going.more ? many.toLowerCase() : many} ${OF[kindOf(wish)](wish)}?`;
}

const nothing = (wish) =>
  h("div", { class: "note warn", role: "alert" }, `Nothing is remembered ${OF[kindOf(wish)](wish)}. Check how it is written.`);

function content(live, wish, going, close) {
  const place = h("div", { class: "slot" });
  const [purgeLine, purge] = check("Purge too", false, "Takes the bytes out of the files as well. It takes longer.");
  const submit = h("button", { class: "button danger", type: "button" }, `Forget ${going.more ? "all of them" : count(going.count, "example")}`);
  submit.addEventListener("click", () =>
    busily(submit, place, async () => close(await change(memoryPath(live.name, "/forget"), { ...wish, purge: purge.checked })), MAY_WRITE),
  );
  return h("div", { class: "stack" }, h("p", {}, told_(going)), listed(going), purgeLine, place, actions(close, submit));
}

const told_ = (going) =>
  going.examples.length ? h("span", { class: "stack tight" }, `They go from ${count(classCount(going.examples), "class", "classes")}:`, classesOf(going.examples)) : "Afterwards the memory is, bit for bit, one that never saw them.";

const classCount = (examples) => new Set(examples.flatMap((one) => one.labels)).size;

function classesOf(examples) {
  const counts = new Map();
  for (const one of examples) for (const label of one.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = [...counts].sort((one, other) => other[1] - one[1]).map(([label, number]) => `${label} × ${number}`);
  const rest = labels.length - MOST_CLASSES;
  return chips(rest > 1 ? [...labels.slice(0, MOST_CLASSES), `and ${rest} more`] : labels);
}

function listed(going) {
  const rows = going.examples.length
    ? going.examples.map((one) => [one.item ?? one.id, one.item === null ? one.labels.join(", ") : `${one.id} · ${one.labels.join(", ")}`])
    : going.ids.map((id) => [id, null]);
  if (!rows.length) return null;
  const rest = rows.length - MOST_NAMED;
  return h(
    "ul",
    { class: "going", tabindex: "0", "aria-label": "What will be forgotten" },
    rows.slice(0, MOST_NAMED).map(([first, second]) => h("li", {}, h("span", { class: "break" }, first), second ? h("span", { class: "muted small break" }, second) : null)),
    rest > 0 ? h("li", { class: "muted" }, `and ${count(rest, "more", "more")}`) : null,
  );
}

// Deleting a whole memory asks for its name.
export async function deleting(live) {
  const gone = await ask((close) => ({ title: `Delete the memory ${live.name}?`, content: deletion(live, close) }));
  if (!gone) return;
  say(`${live.name} is deleted`);
  location.hash = "#/";
}

function deletion(live, close) {
  const place = h("div", { class: "slot" });
  const typed = h("input", { class: "input", type: "text", autocomplete: "off", id: "delete-name", oninput: () => (submit.disabled = typed.value !== live.name) });
  const submit = h("button", { class: "button danger", type: "button", disabled: true }, "Delete for good");
  submit.addEventListener("click", () =>
    busily(submit, place, async () => {
      await call("DELETE", memoryPath(live.name));
      close(true);
    }, "It is not there, or this key may not delete it: that needs the role admin."),
  );
  return h(
    "div",
    { class: "stack" },
    h("p", {}, `Its file, with ${count(live.info.examples, "example")} and every receipt, is removed. Nothing can be undone.`),
    h("div", { class: "field" }, h("label", { for: "delete-name" }, `Type ${live.name} to go on`), typed),
    place,
    actions(close, submit),
  );
}
