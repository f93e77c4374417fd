// Receipts as text, in the form that `protomem audit` reads: the signed fields alone, never the ids told to the caller.

import { count } from "./format.js";

const FIELDS = [
  "version", "id", "kind", "sequence", "count", "before", "after", "at", "previous", "id_hashes", "request", "signature",
];

export function line(receipt) {
  const kept = Object.fromEntries(FIELDS.map((name) => [name, receipt[name]]));
  if (receipt.content?.length) kept.content = receipt.content;
  return JSON.stringify(kept);
}

const DONE = { learn: "Learned", forget: "Forgot", purge: "Purged" };

export const summary = (receipt) => `${DONE[receipt.kind]} ${count(receipt.count, "example")}`;
