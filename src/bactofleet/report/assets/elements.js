// Elements and texts of both pages. All text is set as text, never as HTML, for it comes from sample
// sheets and logs.

const find = (id) => document.getElementById(id);
const formatCount = (number) => number.toLocaleString("en-US");
const formatNumber = (number) => number.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const formatRound = (number) => number.toLocaleString("en-US", { maximumFractionDigits: 2 });

function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function createButton(text, action, attributes = {}) {
  const button = create("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", action);
  return button;
}

function createRow(...cells) {
  return create("tr", {}, ...cells.map((cell) => (cell instanceof Element ? cell : create("td", {}, cell))));
}

function createNumber(text) {
  return create("td", { class: "number" }, text);
}

// Replace the children of an element; a button with the same data-key keeps the focus.
function replace(parent, ...children) {
  const { key } = document.activeElement?.dataset ?? {};
  parent.replaceChildren(...children);
  if (key) parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  create("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
