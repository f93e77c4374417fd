// Where a key is asked for.

import { key } from "../api.js";
import { field, h, input } from "../dom.js";

export function gate(refused, onready) {
  const secret = input({ type: "password", name: "key", required: true, placeholder: "pm_…", spellcheck: "false" });
  if (refused) secret.setAttribute("aria-invalid", "true");
  const form = h(
    "form",
    {
      class: "card stack gate",
      onsubmit: (event) => {
        event.preventDefault();
        key.set(secret.value.trim());
        onready();
      },
    },
    h("div", {}, h("h1", {}, "API key"), h("p", { class: "muted" }, "This server asks for one.")),
    refused ? h("div", { class: "note bad", role: "alert" }, "The server does not know this key. Check it, or ask for another.") : null,
    field("Key", secret, "It stays in this tab and is forgotten when the tab is closed."),
    h("button", { class: "button primary", type: "submit" }, "Continue"),
    h("p", { class: "hint" }, "Keys are made with ", h("code", {}, "protomem keys create"), " on the server."),
  );
  return form;
}
