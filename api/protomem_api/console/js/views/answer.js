// One answer: label, ranking, label set, novelty, evidence, explanation, and a way to correct it.

import { change, memoryPath } from "../api.js";
import { bar, field, h, input, table } from "../dom.js";
import { percent, signed, similarity } from "../format.js";
import { chips, labelField } from "../labels.js";
import { summary } from "../receipts.js";
import { busily, MAY_WRITE, say } from "../say.js";

const STRANGE = 0.05;

export function answerCard(live, item, answer, asked) {
  return h(
    "article",
    { class: "card stack answer", "aria-label": "The answer" },
    verdict(answer),
    h("section", {}, h("h3", {}, "Ranking"), ranking(answer)),
    answer.label_set === null ? null : h("section", {}, h("h3", {}, `Label set for ${percent(asked.coverage)}`), labelSet(answer.label_set)),
    h("section", {}, h("h3", {}, "Novelty"), novelty(answer.novelty)),
    asked.evidence ? h("section", {}, h("h3", {}, "Nearest examples"), evidence(answer.evidence)) : null,
    answer.explanation ? h("section", {}, why(answer)) : null,
    live.info.retain === "nothing" ? null : h("section", {}, correct(live, item, answer)),
  );
}

function verdict(answer) {
  const best = answer.ranking[0];
  if (!answer.abstained) {
    return h("div", { class: "verdict" }, h("h2", { class: "label" }, answer.label), h("span", { class: "probability" }, percent(answer.probability)));
  }
  return h(
    "div",
    { class: "stack tight" },
    h("div", { class: "verdict" }, h("h2", { class: "label" }, "None of these")),
    h("p", { class: "note warn" }, "It is stranger than what this memory remembers. ", best ? `Closest: ${best.label}, ${percent(best.probability)}.` : ""),
  );
}

function ranking(answer) {
  return h(
    "ol",
    { class: "ranking" },
    answer.ranking.map(({ label, probability }, row) =>
      h("li", {}, h("span", { class: "name" }, label), bar(probability, row === 0 && !answer.abstained ? "strong" : ""), h("span", { class: "share" }, percent(probability))),
    ),
  );
}

function labelSet(labels) {
  return labels.length ? chips(labels, "accent") : h("p", { class: "muted" }, "Empty: no label is likely enough.");
}

function novelty(value) {
  if (value === null) return h("p", { class: "muted" }, "No example is kept to compare with.");
  const strange = value < STRANGE;
  const words = strange ? `Only ${percent(value)} of what is remembered looks as strange.` : `${percent(value)} of what is remembered looks as strange or stranger.`;
  return h(
    "div",
    { class: "stack tight" },
    h("div", { class: "meter-row" }, bar(value, strange ? "warn" : ""), h("span", { class: "right numbers" }, `p ${value.toFixed(2)}`)),
    h("p", { class: "muted small" }, words),
  );
}

function evidence(found) {
  if (!found.length) return h("p", { class: "muted" }, "This memory keeps no examples.");
  return h(
    "ul",
    { class: "evidence" },
    found.map((one) =>
      h(
        "li",
        {},
        h("span", { class: "similarity", title: "Cosine similarity" }, similarity(one.similarity)),
        h("span", { class: "break" }, one.item ?? h("code", {}, one.id)),
        chips(one.labels),
      ),
    ),
  );
}

function why(answer) {
  const { explanation } = answer;
  const against = explanation.against;
  if (!explanation.parts.length) {
    return h("details", {}, h("summary", {}, "Why"), h("p", { class: "muted small" }, "There is no other label to stand against."));
  }
  const most = Math.max(...explanation.parts.map((part) => Math.abs(part.log_odds)), 1e-9);
  const parts = explanation.parts.toSorted((one, other) => Math.abs(other.log_odds) - Math.abs(one.log_odds));
  const rows = parts.map((part) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, part.head),
      h("td", {}, h("div", { class: `swing ${part.log_odds < 0 ? "against" : ""}`, part: Math.abs(part.log_odds) / most, "aria-hidden": "true" }, h("span", {}))),
      h("td", { class: "right" }, signed(part.log_odds)),
    ),
  );
  const heads = [h("th", { scope: "col" }, "Head"), h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Bar")), h("th", { scope: "col", class: "right" }, "Log odds")];
  return h(
    "details",
    { open: true },
    h("summary", {}, against ? `Why ${explanation.label} and not ${against}` : `Why ${explanation.label}`),
    h("div", { class: "parts" }, table("What each head added", heads, rows)),
    h("p", { class: "muted small" }, `Together ${signed(explanation.log_odds)}. ${prototypes(explanation)}${keys(explanation)}`),
  );
}

function prototypes({ prototypes: found }) {
  if (!found.length) return "";
  const best = found[0];
  const which = best.mode === null ? "the class mean" : `mode ${best.mode}`;
  return `Nearest prototype: ${which} of ${best.count} examples, similarity ${similarity(best.similarity)}. `;
}

function keys({ keys: found }) {
  return found.length ? `Codebooks: ${found[0].count} of its ${found[0].total} examples share a key with this item.` : "";
}

function correct(live, item, answer) {
  const label = labelField(live, { title: "It should be", hint: "", value: answer.label ?? "" });
  const subject = input({ name: "subject", placeholder: "whose it is, optional" });
  const place = h("div", { class: "slot", "aria-live": "polite" });
  const submit = h("button", { class: "button", type: "submit" }, "Teach it");
  return h(
    "details",
    {},
    h("summary", {}, "Right or wrong? Teach this item"),
    h(
      "form",
      {
        class: "stack",
        onsubmit: async (event) => {
          event.preventDefault();
          await busily(submit, place, teach, MAY_WRITE);
        },
      },
      h("div", { class: "options" }, label.node, field("Subject", subject)),
      place,
      h("div", { class: "row" }, submit),
    ),
  );

  async function teach() {
    const body = { items: [item], labels: [label.value()], subjects: [subject.value.trim() || null] };
    const receipt = await change(memoryPath(live.name, "/learn"), body);
    place.replaceChildren(h("p", { class: "note good" }, `${summary(receipt)}. Ask again to see what has changed.`));
    say(summary(receipt));
    await live.refresh();
  }
}
