// Calls of the service. The key is kept for this tab and this session alone.

const KEPT = "protomem-key";
const MOST_ITEMS = 1000;

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `the server answered ${status}`);
    this.status = status;
    this.title = body.title || "Something went wrong";
    this.path = body.path || "";
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEPT) || "",
  set: (secret) => sessionStorage.setItem(KEPT, secret),
  drop: () => sessionStorage.removeItem(KEPT),
};

export async function call(method, path, { body, signal, headers = {} } = {}) {
  const answer = await send(method, path, { body, signal, headers });
  if (answer.status === 204) return null;
  return answer.json();
}

export async function send(method, path, { body, signal, headers = {} } = {}) {
  const told = { Accept: "application/json", ...headers };
  if (key.get()) told.Authorization = `Bearer ${key.get()}`;
  if (body !== undefined) told["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, signal, headers: told, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "No answer", detail: "The server cannot be reached. Check that it runs, then try again." });
  }
  if (answer.ok) return answer;
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 401) document.dispatchEvent(new Event("unauthorised"));
  throw problem;
}

// A change that may be sent again without being done twice.
export function change(path, body, signal) {
  return call("POST", path, { body, signal, headers: { "Idempotency-Key": fresh() } });
}

function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function memoryPath(name, rest = "") {
  return `v1/memories/${encodeURIComponent(name)}${rest}`;
}

// Every page of a list, up to `most` entries; the list says whether there are more.
export async function pages(path, field, { signal, most = Infinity, after = null, query = {} } = {}) {
  const found = [];
  let next = after;
  do {
    const asked = new URLSearchParams({ ...query, limit: String(Math.min(MOST_ITEMS, most - found.length)) });
    if (next !== null) asked.set("after", String(next));
    const page = await call("GET", `${path}?${asked}`, { signal });
    found.push(...page[field]);
    next = page.next;
  } while (next !== null && found.length < most);
  return { found, more: next !== null };
}
