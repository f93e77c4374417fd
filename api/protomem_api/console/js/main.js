// The page: which view the address asks for, and the key it is asked with.

import { key } from "./api.js";
import { h } from "./dom.js";
import { told } from "./say.js";
import { gate } from "./views/gate.js";
import { memories } from "./views/memories.js";
import { memory } from "./views/memory.js";

const main = document.getElementById("main");
const crumb = document.getElementById("crumb");
const lock = document.getElementById("lock");

let left = new AbortController();

// #/ is the list, #/m/NAME/VIEW a view of a memory.
function place() {
  const [, kind, name, view] = location.hash.split("/");
  return kind === "m" && name ? { name: decodeURIComponent(name), view: view || "try" } : { name: null, view: null };
}

async function show() {
  left.abort();
  left = new AbortController();
  const { signal } = left;
  const { name, view } = place();
  crumb.textContent = name ?? "";
  document.title = name ? `${name} · protomem` : "protomem";
  lock.hidden = !key.get();
  try {
    const node = name ? await memory(name, view, signal) : await memories(signal);
    if (signal.aborted) return;
    main.replaceChildren(node);
    main.querySelector('.views [aria-current]')?.scrollIntoView({ inline: "center", block: "nearest" });
  } catch (problem) {
    if (signal.aborted || problem.name === "AbortError") return;
    if (problem.status === 401) return;
    const back = name ? h("p", {}, h("a", { href: "#/" }, "All memories")) : null;
    const again = h("button", { class: "button", type: "button", onclick: show }, "Try again");
    main.replaceChildren(h("div", { class: "stack" }, told(problem), h("div", { class: "row" }, again, back)));
  }
}

function askForKey() {
  const refused = Boolean(key.get());
  left.abort();
  left = new AbortController();
  key.drop();
  lock.hidden = true;
  crumb.textContent = "";
  main.replaceChildren(gate(refused, show));
  main.querySelector("input").focus();
}

lock.addEventListener("click", () => {
  key.drop();
  askForKey();
});
document.addEventListener("unauthorised", askForKey);
window.addEventListener("hashchange", () => {
  show();
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
show();
