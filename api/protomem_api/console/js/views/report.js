// A memory in numbers: how its stream of examples went, window by window, and what was confused.

import { bar, h, table } from "../dom.js";
import { count, percent, whole } from "../format.js";
import { chips } from "../labels.js";

export function reportOf(report) {
  const { stream } = report;
  if (!stream || stream.accuracy === null) {
    return h("p", { class: "note" }, `${count(report.examples, "example")} of ${count(report.classes.count, "class", "classes")}: too few, or none kept, to be played once more.`);
  }
  return h(
    "div",
    { class: "stack" },
    h("dl", { class: "facts" }, figure("Right", percent(stream.accuracy)), figure("Right, of known labels", percent(stream.accuracy_known ?? stream.accuracy)), figure("Alarms", alarms(stream))),
    h("div", { class: "parts" }, table("Accuracy as the examples came", WINDOW_HEADS(), stream.windows.map(windowRow))),
    stream.confused.length ? h("div", { class: "parts" }, table("What is confused most", CONFUSED_HEADS(), stream.confused.map(confusedRow))) : null,
  );
}

const figure = (name, value) => h("div", { class: "live" }, h("dt", {}, name), h("dd", {}, value));

const alarms = (stream) => (stream.alarms === null ? "not looked for" : whole(stream.alarms.length));

const head = (text, kind = "") => h("th", { scope: "col", class: kind }, text);

const WINDOW_HEADS = () => [head("Examples"), head("Answered rightly before they were learned"), head("Strange", "right")];

const windowRow = (one) =>
  h(
    "tr",
    {},
    h("th", { scope: "row", class: "when" }, `${whole(one.start + 1)}–${whole(one.end)}`),
    h("td", {}, h("div", { class: "meter-row" }, bar(one.accuracy ?? 0, "strong"), h("span", { class: "right" }, one.accuracy === null ? "" : percent(one.accuracy)))),
    h("td", { class: "right" }, percent(one.strange)),
  );

const CONFUSED_HEADS = () => [head("Was"), head("Answered"), head("Times", "right")];

const confusedRow = (one) => h("tr", {}, h("td", {}, chips(one.labels)), h("td", {}, chips([one.answer])), h("td", { class: "right" }, whole(one.count)));
