// Long work: starting it, its progress, its result.

import { call, memoryPath } from "../api.js";
import { bar, empty, h, icon } from "../dom.js";
import { count, percent, when } from "../format.js";
import { busily, told } from "../say.js";
import { follow, hasEnded } from "../watching.js";
import { reportOf } from "./report.js";

const MOST = 50;
const KINDS = { verify: "Verify", purge: "Purge", report: "Report" };
const STATES = { queued: ["Waiting", ""], running: ["Running", "accent"], done: ["Done", "good"], failed: ["Failed", "bad"], cancelled: ["Cancelled", "warn"] };
const NO_JOBS = "This server does not run jobs, or this key may not start this one: that needs the role write.";

export function jobs(live, signal) {
  const list = h("div", { class: "jobs" }, h("p", { class: "loading" }, "Loading…"));
  const added = (job) => {
    if (!list.querySelector(".job")) list.replaceChildren();
    list.prepend(jobCard(job, signal, live));
  };

  async function load() {
    try {
      const asked = new URLSearchParams({ memory: live.name, limit: String(MOST) });
      const found = await call("GET", `v1/jobs?${asked}`, { signal });
      list.replaceChildren(...(found.jobs.length ? found.jobs.map((job) => jobCard(job, signal, live)) : [nothing()]));
    } catch (problem) {
      if (problem.status === 404) list.replaceChildren(empty("No jobs on this server", "It is of a release that does long work in no other way than by the command line."));
      else list.replaceChildren(...[told(problem)].filter(Boolean));
    }
  }

  load();
  const start = h(
    "section",
    { class: "card stack", "aria-label": "Start a job" },
    h("h2", {}, "Start"),
    startLine(live, signal, "verify", "Recomputes everything and compares it bit for bit.", added),
    h("hr", {}),
    startLine(live, signal, "purge", "Takes the bytes of everything forgotten out of the files.", added),
    h("hr", {}),
    startLine(live, signal, "report", "Plays the examples once more: accuracy, drift, what is confused.", added),
  );
  return h("div", { class: "two" }, start, h("section", { class: "card stack", "aria-label": "Jobs" }, h("h2", {}, "Jobs"), list));
}

const nothing = () => empty("No jobs yet", "What you start appears here with its progress.");

function startLine(live, signal, kind, text, added) {
  const place = h("div", { class: "slot" });
  const button = h("button", { class: "button", type: "button" }, KINDS[kind]);
  button.addEventListener("click", () => busily(button, place, async () => added(await begin(live, kind, signal)), NO_JOBS));
  return h("div", { class: "stack tight" }, h("div", { class: "start-line" }, h("p", { class: "muted small" }, text), button), place);
}

const begin = (live, kind, signal) => call("POST", memoryPath(live.name, `/${kind}`), { body: kind === "report" ? {} : undefined, signal });

// A button that starts a job and shows it below.
export function starter(live, signal, kind, title) {
  const place = h("div", { class: "slot", "aria-live": "polite" });
  const button = h("button", { class: "button primary", type: "button" }, title);
  button.addEventListener("click", () =>
    busily(button, place, async () => place.replaceChildren(jobCard(await begin(live, kind, signal), signal, live)), NO_JOBS),
  );
  return h("div", { class: "stack" }, h("div", { class: "row" }, button), place);
}

function jobCard(first, signal, live) {
  const body = h("div", { class: "stack tight" });
  const state = h("span", { class: "chip", role: "status" });
  const cancel = h("button", { class: "button quiet slim", type: "button", "aria-label": `Cancel ${KINDS[first.kind].toLowerCase()}` }, "Cancel");
  const trouble = h("div", { class: "slot" });
  cancel.addEventListener("click", () => busily(cancel, trouble, () => call("POST", `v1/jobs/${encodeURIComponent(first.id)}/cancel`, { signal }), NO_JOBS));

  function show(job) {
    const [word, kind] = STATES[job.state];
    state.className = `chip ${kind}`;
    state.textContent = word;
    cancel.hidden = hasEnded(job);
    body.replaceChildren(...[progress(job), outcome(job), wants(job)].filter(Boolean));
  }

  // A list tells no results, so that one that is done is asked for by itself.
  function wants(job) {
    if (job.state !== "done" || job.result) return null;
    const button = h("button", { class: "button slim", type: "button" }, "Result");
    button.addEventListener("click", () => busily(button, trouble, async () => show(await call("GET", `v1/jobs/${encodeURIComponent(job.id)}`, { signal }))));
    return h("div", {}, button);
  }

  const begun = !hasEnded(first);
  follow(first, show, signal)
    .then(() => begun && live.refresh())
    .catch((problem) => {
      const note = told(problem);
      if (note) trouble.replaceChildren(note);
    });
  return h(
    "article",
    { class: "job", "aria-label": KINDS[first.kind] },
    h("div", { class: "row spread" }, h("div", { class: "row" }, h("h3", {}, KINDS[first.kind]), state), h("div", { class: "row" }, h("span", { class: "muted small" }, when(first.created)), cancel)),
    body,
    trouble,
  );
}

function progress(job) {
  if (job.state !== "running" || !job.total) return null;
  return h("div", { class: "meter-row" }, bar(job.done / job.total, "strong"), h("span", { class: "right numbers" }, percent(job.done / job.total)));
}

function outcome(job) {
  if (job.problem) return h("div", { class: "note bad" }, h("strong", {}, job.problem.title), h("p", {}, job.problem.detail));
  if (!job.result) return null;
  return { verify: verified, purge: purged, report: reportOf }[job.kind](job.result);
}

function verified(result) {
  const text = result.ok ? `Everything holds, over ${count(result.examples, "example")}.` : "Something does not hold.";
  return h(
    "div",
    { class: "stack tight" },
    h("p", { class: `note ${result.ok ? "good" : "bad"}` }, text),
    h(
      "ul",
      { class: "checks" },
      result.checks.map((one) => h("li", { class: one.ok ? "ok" : "wrong" }, icon(one.ok ? "check" : "cross"), h("div", { class: "break" }, h("p", {}, one.name), h("p", { class: "muted small" }, one.ok ? one.detail : `does not hold: ${one.detail}`)))),
    ),
  );
}

const purged = (receipt) => h("p", { class: "note good" }, `${count(receipt.count, "forgotten example")} left the files, by receipt ${receipt.sequence}.`);
