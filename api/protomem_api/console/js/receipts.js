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

const DONE = { learn: "Learned", forget: "Forgot", purge: "Purged", merge: "Merged", withdraw: "Withdrew" };

// A merge or a withdrawal is of a client, and its receipt names none of the examples.
export const counted = (receipt) => count(receipt.count, ["merge", "withdraw"].includes(receipt.kind) ? "client" : "example");

export const summary = (receipt) => `${DONE[receipt.kind]} ${counted(receipt)}`;
