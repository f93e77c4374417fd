// One memory: its name and live counts, and the view that is asked for.

import { copyButton } from "../copy.js";
import { h } from "../dom.js";
import { encoderName, KEEPS, shortly, whole } from "../format.js";
import { Live } from "../live.js";
import { classes } from "./classes.js";
import { forget } from "./forget.js";
import { jobs } from "./jobs.js";
import { map } from "./map.js";
import { receipts } from "./receipts.js";
import { teach } from "./teach.js";
import { tryIt } from "./try.js";

const VIEWS = {
  try: ["Try", tryIt],
  classes: ["Classes", classes],
  map: ["Map", map],
  teach: ["Teach", teach],
  forget: ["Forget", forget],
  receipts: ["Receipts", receipts],
  jobs: ["Jobs", jobs],
};

export async function memory(name, asked, signal) {
  const live = new Live(name, signal);
  await live.start();
  const view = asked in VIEWS ? asked : "try";
  return h("div", {}, head(live), links(name, view), VIEWS[view][1](live, signal));
}

function links(name, current) {
  return h(
    "nav",
    { class: "views", "aria-label": `Views of ${name}` },
    Object.entries(VIEWS).map(([view, [title]]) =>
      h("a", { href: `#/m/${encodeURIComponent(name)}/${view}`, "aria-current": view === current ? "page" : null }, title),
    ),
  );
}

function head(live) {
  const examples = h("dd", {});
  const labels = h("dd", {});
  const digest = h("dd", {});
  const lost = h("p", { class: "note warn", hidden: true }, "The server does not answer at the moment: these numbers are the last ones it told.");

  function show() {
    const { info } = live;
    turn(examples, whole(info.examples));
    turn(labels, whole(info.classes));
    digest.replaceChildren(h("code", { title: info.digest }, shortly(info.digest)), copyButton(info.digest, "digest"));
  }

  show();
  live.addEventListener("change", show);
  live.addEventListener("connection", () => (lost.hidden = !live.problem));
  const { info } = live;
  return h(
    "div",
    { class: "memory-head" },
    h("h1", {}, live.name),
    h(
      "dl",
      { class: "facts" },
      h("div", { class: "live" }, h("dt", {}, "Examples"), examples),
      h("div", { class: "live" }, h("dt", {}, "Classes"), labels),
      h("div", {}, h("dt", {}, "Digest"), digest),
      h("div", {}, h("dt", {}, "Takes"), h("dd", {}, isText(info.encoder))),
      h("div", {}, h("dt", {}, "Keeps"), h("dd", {}, KEEPS[info.retain])),
    ),
    lost,
  );
}

const isText = (encoder) => (encoder.startsWith("vectors:") ? encoderName(encoder) : `texts, by ${encoder}`);

function turn(node, text) {
  if (node.textContent && node.textContent !== text) {
    node.classList.remove("flash");
    requestAnimationFrame(() => node.classList.add("flash"));
  }
  node.textContent = text;
}
