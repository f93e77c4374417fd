// The signed receipt of every change, newest first; a file of them to audit; and a check of everything.

import { memoryPath, pages } from "../api.js";
import { copyButton, save } from "../copy.js";
import { empty, h, icon, table } from "../dom.js";
import { count, shortly, when, whole } from "../format.js";
import { counted, line } from "../receipts.js";
import { told } from "../say.js";
import { starter } from "./jobs.js";

const MOST_ROWS = 100;
const KINDS = { learn: ["Learn", "accent"], forget: ["Forget", "warn"], purge: ["Purge", "bad"], merge: ["Merge", "accent"], withdraw: ["Withdraw", "warn"] };

export function receipts(live, signal) {
  const held = [];
  const shown = { all: false, open: null };
  const box = h("div", { class: "flush" }, h("p", { class: "loading" }, "Loading…"));
  const number = h("span", { class: "muted small" });
  const download = h("button", { class: "button", type: "button", disabled: true, onclick: () => save(`${live.name}-receipts.jsonl`, held.map((one) => `${line(one)}\n`).join("")) }, icon("download"), "Download");

  async function load() {
    try {
      const { found } = await pages(memoryPath(live.name, "/receipts"), "receipts", { signal, after: held.at(-1)?.sequence ?? 0 });
      held.push(...found.filter((one) => one.sequence > (held.at(-1)?.sequence ?? 0)));
      show();
    } catch (problem) {
      const note = told(problem);
      if (note) box.replaceChildren(note);
    }
  }

  function show() {
    download.disabled = !held.length;
    number.textContent = held.length ? count(held.length, "receipt") : "";
    if (!held.length) return box.replaceChildren(empty("No receipts yet", "Every change has a signed receipt that names the one before."));
    const newest = held.toReversed();
    const visible = shown.all ? newest : newest.slice(0, MOST_ROWS);
    const more = visible.length < newest.length ? [h("button", { class: "button", type: "button", onclick: () => ((shown.all = true), show()) }, `Show all ${whole(newest.length)}`)] : [];
    box.replaceChildren(table("Receipts", heads(), visible.flatMap(rows)), ...more);
  }

  function rows(receipt) {
    const open = shown.open === receipt.sequence;
    const turn = () => {
      shown.open = open ? null : receipt.sequence;
      show();
      box.querySelector(`[data-receipt="${receipt.sequence}"]`).focus();
    };
    const [word, kind] = KINDS[receipt.kind];
    const row = h(
      "tr",
      {},
      h("th", { scope: "row" }, h("button", { class: "link", type: "button", "data-receipt": receipt.sequence, "aria-expanded": String(open), onclick: turn }, whole(receipt.sequence))),
      h("td", {}, h("span", { class: `chip ${kind}` }, word)),
      h("td", { class: "right" }, counted(receipt)),
      h("td", { class: "when" }, when(receipt.at)),
      h("td", { class: "hide-small" }, h("code", { class: "muted", title: receipt.after }, shortly(receipt.after))),
    );
    return open ? [row, h("tr", {}, h("td", { colspan: 5 }, h("pre", { class: "raw" }, JSON.stringify(JSON.parse(line(receipt)), null, 2))))] : [row];
  }

  const heads = () => [
    h("th", { scope: "col" }, "No."),
    h("th", { scope: "col" }, "What"),
    h("th", { scope: "col", class: "right" }, "How many"),
    h("th", { scope: "col" }, "When"),
    h("th", { scope: "col", class: "hide-small" }, "State after"),
  ];

  load();
  live.addEventListener("change", load);
  return h(
    "div",
    { class: "two receipts-view" },
    h("div", { class: "stack" }, verifyCard(live, signal), keyCard(live)),
    h("section", { class: "card stack", "aria-label": "Receipts" }, h("div", { class: "row spread" }, h("div", { class: "row" }, h("h2", {}, "Receipts"), number), download), box),
  );
}

const verifyCard = (live, signal) =>
  h(
    "section",
    { class: "card stack", "aria-label": "Verify" },
    h("div", {}, h("h2", {}, "Verify"), h("p", { class: "muted" }, "Recomputes everything from what is kept, checks every receipt, and compares bit for bit.")),
    starter(live, signal, "verify", "Verify everything"),
  );

const keyCard = (live) =>
  h(
    "section",
    { class: "card stack tight", "aria-label": "Public key" },
    h("h2", {}, "Public key"),
    h("div", { class: "key-line" }, h("code", { title: live.info.public_key }, live.info.public_key), copyButton(live.info.public_key, "public key")),
    h("p", { class: "hint" }, "With it and the downloaded file, anyone can audit what was done:"),
    h("pre", { class: "raw" }, `protomem audit ${live.name}-receipts.jsonl --public-key KEY`),
  );
