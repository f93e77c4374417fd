// What a memory is now. The counts by class are asked for every few seconds, which costs the server little; the rest,
// with its digest over all sums, only when they have changed. A page that nobody looks at asks for nothing.

import { call, memoryPath } from "./api.js";

const SECONDS = 3;
const SECONDS_AFTER_FAILURE = 10;

export class Live extends EventTarget {
  constructor(name, signal) {
    super();
    this.name = name;
    this.signal = signal;
    this.info = null;
    this.classes = {};
    this.problem = null;
  }

  async start() {
    await this.refresh();
    this.#later(SECONDS);
    const again = () => !document.hidden && this.#tick();
    document.addEventListener("visibilitychange", again, { signal: this.signal });
    this.signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  // Everything anew, after a change that was made here.
  async refresh() {
    const [info, listed] = await Promise.all([
      call("GET", memoryPath(this.name), { signal: this.signal }),
      call("GET", memoryPath(this.name, "/classes"), { signal: this.signal }),
    ]);
    this.info = info;
    this.classes = listed.classes;
    this.dispatchEvent(new Event("change"));
  }

  #later(seconds) {
    clearTimeout(this.timer);
    if (!this.signal.aborted) this.timer = setTimeout(() => this.#tick(), seconds * 1000);
  }

  async #tick() {
    if (document.hidden || this.signal.aborted) return;
    try {
      const { classes } = await call("GET", memoryPath(this.name, "/classes"), { signal: this.signal });
      if (JSON.stringify(classes) !== JSON.stringify(this.classes)) await this.refresh();
      this.#tell(null);
      this.#later(SECONDS);
    } catch (problem) {
      this.#tell(problem);
      this.#later(SECONDS_AFTER_FAILURE);
    }
  }

  #tell(problem) {
    if (Boolean(problem) === Boolean(this.problem)) return;
    this.problem = problem;
    this.dispatchEvent(new Event("connection"));
  }
}
