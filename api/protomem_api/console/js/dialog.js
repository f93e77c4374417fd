// A question in front of the page. Escape and Cancel answer no.

import { h } from "./dom.js";

let dialogs = 0;

// `build(close)` gives title and content; the promise holds what `close` was called with, or null.
export function ask(build) {
  return new Promise((resolve) => {
    const id = `dialog-${++dialogs}`;
    const dialog = h("dialog", { "aria-labelledby": id });
    const close = (answer) => {
      dialog.answer = answer;
      dialog.close();
    };
    const { title, content } = build(close);
    dialog.append(h("div", { class: "dialog-body" }, h("h2", { id }, title), content));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.answer ?? null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function actions(close, ...others) {
  return h("div", { class: "dialog-actions" }, h("button", { class: "button", type: "button", onclick: () => close(null) }, "Cancel"), others);
}
