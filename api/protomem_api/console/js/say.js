// What is told: short words at the foot of the page, and problems where they arose.

import { h } from "./dom.js";

const SECONDS = 4;

export function say(text) {
  const toast = h("p", { class: "toast" }, text);
  document.getElementById("status").replaceChildren(toast);
  setTimeout(() => toast.remove(), SECONDS * 1000);
}

// `may` says what the key would need, where a 404 may mean that it may not.
export function told(problem, may = "") {
  if (problem.name === "AbortError") return null;
  const reason = problem.status === 404 && may ? `${may} The server does not say which.` : problem.message;
  return h(
    "div",
    { class: "note bad", role: "alert" },
    h("strong", {}, problem.title || "This cannot be used"),
    h("p", {}, reason),
    problem.path ? h("span", { class: "where" }, problem.path) : null,
  );
}

// Runs a handler with its button busy, and tells a problem in `place`.
export async function busily(button, place, work, may = "") {
  const spinner = h("span", { class: "spinner", "aria-hidden": "true" });
  button.disabled = true;
  button.prepend(spinner);
  place.replaceChildren();
  try {
    return await work();
  } catch (problem) {
    const note = told(problem, may);
    if (note) place.replaceChildren(note);
    return undefined;
  } finally {
    button.disabled = false;
    spinner.remove();
  }
}

export const MAY_WRITE = "It is not there, or this key may only read: a change needs a key with the role write.";
