// A button that copies, and a file that is saved from what the page holds.

import { h, icon } from "./dom.js";
import { say } from "./say.js";

export function copyButton(text, what) {
  return h(
    "button",
    {
      class: "button quiet slim",
      type: "button",
      "aria-label": `Copy the ${what}`,
      title: `Copy the ${what}`,
      onclick: () =>
        navigator.clipboard
          .writeText(text)
          .then(() => say(`The ${what} is copied`))
          .catch(() => say("The browser does not let this page copy")),
    },
    icon("copy"),
  );
}

export function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
