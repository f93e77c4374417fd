// Elements from plain calls. Text becomes text nodes and attributes; nothing here, or anywhere, makes HTML from a string.

const BY_PROPERTY = new Set(["value", "checked", "disabled", "selected", "hidden", "indeterminate"]);

export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "part") node.style.setProperty("--part", String(value));
    else if (BY_PROPERTY.has(name)) node[name] = value;
    else if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SHAPES = {
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  plus: "M12 5v14M5 12h14",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const looks = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(looks)) svg.setAttribute(key, value);
  path.setAttribute("d", SHAPES[name]);
  path.setAttribute("stroke-linecap", "round");
  path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}

let fields = 0;

// A label, its control and a hint, tied together for those who do not see them side by side.
export function field(label, control, hint) {
  control.id ||= `field-${++fields}`;
  const told = hint ? h("p", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, told);
}

export function input(properties = {}) {
  return h("input", { class: "input", type: "text", autocomplete: "off", ...properties });
}

export function textarea(properties = {}) {
  return h("textarea", { class: "input", spellcheck: "false", ...properties });
}

export function select(options, chosen, properties = {}) {
  return h(
    "select",
    { class: "input", ...properties },
    options.map(([value, text]) => h("option", { value, selected: String(value) === String(chosen) }, text)),
  );
}

export function check(text, checked, hint) {
  const box = h("input", { type: "checkbox", checked });
  return [h("label", { class: "check" }, box, h("span", {}, text, hint ? h("span", { class: "hint" }, hint) : null)), box];
}

// One of a few, as a row of radio buttons. `onchange` gets the value.
export function pick(legend, options, chosen, onchange) {
  const name = `pick-${++fields}`;
  const radios = options.map(([value, text]) =>
    h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }), h("span", {}, text)),
  );
  return h("fieldset", {}, h("legend", {}, legend), h("div", { class: "pick" }, radios));
}

export function bar(part, kind = "") {
  return h("div", { class: `bar ${kind}`, "aria-hidden": "true" }, h("span", { part: Math.min(1, Math.max(0, part)) }));
}

export function empty(title, text, ...more) {
  return h("div", { class: "empty" }, h("h3", {}, title), h("p", {}, text), more);
}

export function table(caption, heads, rows) {
  return h(
    "div",
    { class: "table-box", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "visually-hidden" }, caption), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)),
  );
}
