/**
 * Elements as plain values, and the least change that makes the document show them.
 *
 * A view is a function that returns what `h` makes; `render` compares it with what it returned last time.
 * Text goes in as text nodes and attributes only: nothing that a venue says can become markup.
 */

/**
 * @typedef {Object} Node
 * @property {string} tag   "" for text
 * @property {Record<string, any>} props
 * @property {Node[]} kids
 * @property {string|number|undefined} key   which of its siblings it is, where their order may change
 * @property {any} [dom]
 * @property {any} [island]   what manages the element's inside by itself
 */

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "g", "rect", "circle", "line", "polygon"]);
/** Props that are not attributes. `island` makes something that updates itself by `data`. */
const OWN = new Set(["key", "island", "data"]);

/**
 * An element. `null`, `false` and `undefined` among the children hold their place and show nothing.
 * @param {string} tag
 * @param {Record<string, any>|null} [props]
 * @param {...any} kids
 * @returns {Node}
 */
export function h(tag, props = null, ...kids) {
  return { tag, props: props ?? {}, kids: kids.flat(Infinity).map(made), key: props?.key };
}

function made(kid) {
  if (kid === null || kid === undefined || kid === false) return { tag: "", props: { text: "" }, kids: [] };
  return typeof kid === "object" ? kid : { tag: "", props: { text: String(kid) }, kids: [] };
}

/** What each root showed last. @type {WeakMap<Element, Node[]>} */
const shown = new WeakMap();

/** Make `root` hold just `tree`. @param {Element} root @param {...any} tree */
export function render(root, ...tree) {
  const focused = document.activeElement;
  const kids = tree.flat(Infinity).map(made);
  if (!shown.has(root)) root.replaceChildren();
  patchKids(root, shown.get(root) ?? [], kids);
  shown.set(root, kids);
  // An element that was moved among its siblings has lost the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement && root.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

function patchKids(parent, before, after) {
  const keyed = new Map();
  const loose = [];
  for (const node of before) {
    if (node.key === undefined) loose.push(node);
    else keyed.set(node.key, node);
  }
  let index = 0;
  const pairs = after.map((node) => {
    const old = node.key === undefined ? loose[index++] : keyed.get(node.key);
    return old && old.tag === node.tag ? [node, old] : [node, undefined];
  });
  const kept = new Set(pairs.map(([, old]) => old));
  for (const node of before) if (!kept.has(node)) drop(node, true);
  let place = parent.firstChild;
  for (const [node, old] of pairs) {
    if (old) patch(node, old);
    else create(node);
    if (node.dom === place) place = place.nextSibling;
    else parent.insertBefore(node.dom, place);
  }
}

function create(node) {
  if (node.tag === "") {
    node.dom = document.createTextNode(node.props.text);
    return;
  }
  node.dom = SVG_TAGS.has(node.tag) ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  patchProps(node.dom, {}, node.props);
  patchKids(node.dom, [], node.kids);
  if (node.props.island) {
    node.island = node.props.island(node.dom);
    node.island.update(node.props.data);
  }
  if (node.tag === "select" && node.props.value !== undefined) node.dom.value = node.props.value;
}

function patch(node, old) {
  node.dom = old.dom;
  if (node.tag === "") {
    if (node.props.text !== old.props.text) node.dom.data = node.props.text;
    return;
  }
  patchProps(node.dom, old.props, node.props);
  if (node.props.island) {
    node.island = old.island;
    node.island.update(node.props.data);
    return;
  }
  patchKids(node.dom, old.kids, node.kids);
}

function patchProps(element, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) setProp(element, name, null, before[name]);
  for (const [name, value] of Object.entries(after))
    if (before[name] !== value) setProp(element, name, value, before[name]);
}

function setProp(element, name, value, before) {
  if (OWN.has(name)) return;
  if (name.startsWith("on")) element[name] = value;
  else if (name === "style") setStyle(element, value ?? {}, before ?? {});
  else if (name === "value" || name === "checked") element[name] = value ?? "";
  else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

function setStyle(element, style, before) {
  for (const name of Object.keys(before)) if (!(name in style)) element.style.removeProperty(name);
  for (const [name, value] of Object.entries(style))
    if (before[name] !== value) element.style.setProperty(name, String(value));
}

/** Forget a node: what manages itself inside it is told. */
function drop(node, remove) {
  node.island?.end?.();
  for (const kid of node.kids) drop(kid, false);
  if (remove) node.dom.remove();
}
