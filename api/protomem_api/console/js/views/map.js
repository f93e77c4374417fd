// Who lies near whom: a picture of classes and examples, and the same in words.

import { call, memoryPath } from "../api.js";
import { bar, empty, h, select } from "../dom.js";
import { count, percent, similarity, whole } from "../format.js";
import { told } from "../say.js";
import { picture } from "../picture.js";

const MOST_EXAMPLES = 1000;
const STEP = 60;
const CLOSER = 1.3;

export function map(live, signal) {
  const box = h("div", {}, h("p", { class: "loading" }, "Drawing the map…"));
  const stale = h("div", { class: "row", hidden: true }, h("p", { class: "muted small" }, "The memory has changed since."), h("button", { class: "button slim", type: "button", onclick: () => load() }, "Draw again"));
  let drawn = null;

  async function load() {
    stale.hidden = true;
    try {
      const found = await call("GET", memoryPath(live.name, `/map?limit=${MOST_EXAMPLES}`), { signal });
      drawn?.destroy();
      drawn = null;
      if (!found.classes.length) return box.replaceChildren(h("div", { class: "card" }, nothing(live.name)));
      const { node, start } = drawing(found, live.info);
      box.replaceChildren(node);
      drawn = await start();
    } catch (problem) {
      const note = told(problem);
      if (note) box.replaceChildren(note);
    }
  }

  load();
  live.addEventListener("change", () => (stale.hidden = false));
  signal.addEventListener("abort", () => drawn?.destroy());
  return h("div", { class: "stack" }, stale, box);
}

const nothing = (name) => empty("Nothing to show yet", "Classes appear as soon as something is taught.", h("a", { class: "button", href: `#/m/${encodeURIComponent(name)}/teach` }, "Teach"));

function drawing(found, info) {
  const frame = h("div", {
    class: "map-frame",
    tabindex: "0",
    role: "group",
    "aria-label": `Map of ${count(found.classes.length, "class", "classes")}. Arrow keys move it, plus and minus zoom, 0 shows all. The same is told in words beside it.`,
  });
  const side = h("div", { class: "stack" });
  let chart = null;
  const chosen = select([["", "No class"], ...found.classes.map((one) => [one.label, one.label])], "", { onchange: () => choose(chosen.value) });

  function choose(label) {
    chosen.value = label;
    chart?.choose(label || null);
    const one = found.classes.find((other) => other.label === label);
    side.replaceChildren(one ? near(one, choose) : h("p", { class: "muted small" }, "Choose a class here or in the map to see who is near it."));
  }

  const keys = {
    ArrowLeft: () => chart.pan(STEP, 0), ArrowRight: () => chart.pan(-STEP, 0), ArrowUp: () => chart.pan(0, STEP), ArrowDown: () => chart.pan(0, -STEP),
    "+": () => chart.zoom(CLOSER), "=": () => chart.zoom(CLOSER), "-": () => chart.zoom(1 / CLOSER), 0: () => chart.reset(),
  };
  frame.addEventListener("keydown", (event) => {
    if (!chart || !(event.key in keys) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const tool = (name, text, act) => h("button", { class: "button slim", type: "button", "aria-label": name, onclick: () => chart && act() }, text);
  const tools = h("div", { class: "map-tools" }, tool("Zoom in", "+", keys["+"]), tool("Zoom out", "−", keys["-"]), tool("Show all", "Show all", keys[0]));
  choose("");
  const node = h(
    "div",
    { class: "map-grid" },
    h(
      "section",
      { class: "card stack", "aria-label": "Map" },
      h("div", { class: "row spread" }, legend(found, info), tools),
      frame,
      h("p", { class: "hint" }, `The plane shows ${percent(found.shown)} of what tells the class means apart; what looks near here can be far. `, "Drag a box to zoom into it, or turn the wheel with Ctrl."),
    ),
    h("section", { class: "card stack", "aria-label": "Neighbours" }, h("div", { class: "field" }, h("label", { for: (chosen.id = "map-class") }, "Who is near"), chosen), side),
  );

  async function start() {
    chart = await picture(frame, found, choose);
    chart.choose(chosen.value || null); // what was chosen while the library was on its way
    return chart;
  }

  return { node, start };
}

function legend(found, info) {
  const of = (shown, all, text) => (shown < all ? `${text} of ${whole(all)}` : text);
  const classes = of(found.classes.length, info.classes, count(found.classes.length, "class mean"));
  const examples = of(found.examples.length, info.examples, count(found.examples.length, "example"));
  return h("p", { class: "legend muted small" }, h("span", { class: "mean" }, classes), found.examples.length ? h("span", {}, examples) : null);
}

function near(one, choose) {
  return h(
    "div",
    { class: "stack", "aria-live": "polite" },
    h("p", { class: "muted small" }, `${count(one.count, "example")}. Nearest class means, in all dimensions:`),
    one.nearest.length
      ? h(
          "ol",
          { class: "near" },
          one.nearest.map((other) =>
            h("li", {}, h("button", { class: "link", type: "button", onclick: () => choose(other.label) }, other.label), h("span", { class: "right" }, similarity(other.similarity)), bar(other.similarity)),
          ),
        )
      : h("p", { class: "muted" }, "It is the only class."),
  );
}
