// Following a job to its end: by server-sent events, or by asking every second where they do not come.

import { call, send } from "./api.js";

const SECONDS = 1;
const ENDED = new Set(["done", "failed", "cancelled"]);

export const hasEnded = (job) => ENDED.has(job.state);

export async function follow(job, onchange, signal) {
  onchange(job);
  let last = job;
  const tell = (seen) => onchange((last = seen));
  if (!hasEnded(last)) await events(last.id, tell, signal).catch((problem) => stopIfAborted(problem));
  while (!hasEnded(last)) {
    await pause(SECONDS, signal);
    tell(await call("GET", `v1/jobs/${encodeURIComponent(last.id)}`, { signal }));
  }
  return last;
}

function stopIfAborted(problem) {
  if (problem.name === "AbortError") throw problem;
}

// EventSource cannot send the key, so the stream is read by hand: each event's data is the whole job.
async function events(id, tell, signal) {
  const answer = await send("GET", `v1/jobs/${encodeURIComponent(id)}/events`, { signal, headers: { Accept: "text/event-stream" } });
  if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (kept + value.replaceAll("\r\n", "\n")).split("\n\n");
    kept = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").filter((one) => one.startsWith("data:")).map((one) => one.slice(5).trimStart()).join("\n");
      if (data) tell(JSON.parse(data));
    }
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
