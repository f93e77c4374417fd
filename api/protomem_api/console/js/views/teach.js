// Teaching: items, their label, whose they are.

import { change, memoryPath } from "../api.js";
import { save } from "../copy.js";
import { check, field, h, icon, input, textarea } from "../dom.js";
import { count, isVectors, itemsFrom } from "../format.js";
import { labelField } from "../labels.js";
import { line, summary } from "../receipts.js";
import { busily, MAY_WRITE, say } from "../say.js";

export function teach(live) {
  const vectors = isVectors(live.info.encoder);
  const keeps = live.info.retain !== "nothing";
  const many = h("span", { class: "hint", role: "status" });
  const items = textarea({
    name: "items",
    required: true,
    rows: 7,
    placeholder: vectors ? `${live.info.dimension} numbers a line` : "Where is my parcel?\nThe courier is two days late",
    oninput: () => counted(),
  });
  const label = labelField(live);
  const subject = input({ name: "subject", placeholder: "customer-1" });
  const ids = textarea({ name: "ids", rows: 3, placeholder: "one a line, as many as items" });
  const [againLine, again] = check("Teach again what was forgotten", false, "Otherwise an id that was forgotten is refused.");
  const trouble = h("div", { class: "slot" });
  const done = h("div", { class: "stack", "aria-live": "polite" });
  const submit = h("button", { class: "button primary", type: "submit" }, "Teach");

  const lines = (text) => text.split("\n").map((one) => one.trim()).filter(Boolean);
  const counted = () => (many.textContent = lines(items.value).length ? count(lines(items.value).length, "item") : "");

  async function learn() {
    const taught = itemsFrom(items.value, live.info);
    const names = lines(ids.value);
    const body = { items: taught, labels: taught.map(() => label.value()), relearn: again.checked };
    if (names.length) body.ids = names;
    if (keeps && subject.value.trim()) body.subjects = taught.map(() => subject.value.trim());
    const receipt = await change(memoryPath(live.name, "/learn"), body);
    done.prepend(taughtCard(live, receipt, label.value()));
    say(summary(receipt));
    items.value = "";
    ids.value = "";
    counted();
    items.focus();
    await live.refresh();
  }

  const form = h(
    "form",
    {
      class: "card stack",
      onsubmit: async (event) => {
        event.preventDefault();
        await busily(submit, trouble, learn, MAY_WRITE);
      },
    },
    field(vectors ? "Vectors" : "Texts", items, "One a line. They are learned together or not at all."),
    h("div", { class: "options" }, label.node, keeps ? field("Subject", subject, "Whose data it is, so that all of it can be forgotten at once. Optional.") : null),
    h("details", {}, h("summary", {}, "Ids"), h("div", { class: "stack options" }, field("Ids", ids, "Fresh ones are made if you give none."), againLine)),
    trouble,
    h("div", { class: "row" }, submit, many),
  );
  if (!keeps) done.append(h("p", { class: "note warn" }, "This memory keeps sums alone. Save the receipt of everything you teach: without it nothing can be forgotten."));
  else done.append(intro());
  return h("div", { class: "two" }, form, done);
}

const intro = () =>
  h(
    "div",
    { class: "card stack" },
    h("h2", {}, "What happens"),
    h("p", { class: "muted" }, "Each item is encoded once and added to the sums of its label. A new label is a new class. The next answer already knows it."),
    h("p", { class: "muted" }, "Whatever is taught here can be forgotten exactly, by id, by subject or by label."),
  );

function taughtCard(live, receipt, label) {
  const labels = [label].flat().join(", ");
  const unchanged = receipt.unchanged.length ? h("p", { class: "muted" }, `${count(receipt.unchanged.length, "item")} with ids known already, same content: left as they were.`) : null;
  const secret = receipt.content.length
    ? h("button", { class: "button", type: "button", onclick: () => save(`${live.name}-receipt-${receipt.sequence}.json`, line(receipt)) }, icon("download"), "Save the receipt")
    : null;
  return h(
    "article",
    { class: "card stack" },
    h("div", { class: "row spread" }, h("h2", {}, summary(receipt)), h("span", { class: "chip good" }, `Receipt ${receipt.sequence}`)),
    h("p", { class: "muted break" }, `As ${labels}.`),
    unchanged,
    secret,
    receipt.ids.length ? h("details", {}, h("summary", {}, "Ids"), h("pre", { class: "raw" }, receipt.ids.join("\n"))) : null,
  );
}
