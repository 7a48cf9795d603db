// @ts-check
// What the backprop page is set to: the expression, the values of its leaves as they are typed, the examples.

/** @typedef {{expression: string, at: Record<string, string>, vector: string}} BackpropState */
/** @typedef {{name: string, shape: number[], numbers: number[], whole: boolean}} Leaf */

/** @type {(BackpropState & {title: string})[]} */
export const backpropExamples = [
  { title: "From x + 2 to x.grad", expression: "y = x + 2; z = y*y*2; z.mean()", at: { x: "1, 2, 3" }, vector: "" },
  { title: "A neuron and its loss", expression: "p = w*x + b; d = p - y; mean(d^2)", at: { w: "0.5", x: "1, 2, 3", b: "0", y: "3, 5, 7" }, vector: "" },
  { title: "A sigmoid, piece by piece", expression: "z = w*x + b; 1/(1 + exp(-z))", at: { w: "1.5", x: "2", b: "-1" }, vector: "" },
  { title: "A product with a zero", expression: "y = a*b*c; (y - 1)^2", at: { a: "0", b: "2", c: "3" }, vector: "" },
  { title: "Two layers", expression: "h = tanh(W @ x); s = v @ h; (s - 1)^2", at: { W: "[[0.5, -0.3], [0.2, 0.8]]", x: "1, 2", v: "1, -1" }, vector: "" },
  { title: "Softmax, cross-entropy", expression: "scores = W @ x; cross_entropy(scores, k)", at: { W: "[[0.5, -0.3], [0.2, 0.8], [-0.4, 0.1]]", x: "1, 2", k: "1" }, vector: "" },
];

/**
 * From the address: `at` as the command line has it, "x=1, 2;w=0.5".
 * @param {Record<string, any>} state
 * @returns {{state: BackpropState, problems: string[]}}
 */
export function readBackpropState({ expression, at, vector, ...rest }) {
  const usual = backpropExamples[0];
  const problems = Object.keys(rest).map((name) => `The address says “${name}”, and there is no such setting: it is left out.`);
  const text = expression === undefined ? usual.expression : String(expression);
  /** @type {Record<string, string>} */
  const values = {};
  for (const part of at === undefined ? [] : String(at).split(";")) {
    const [name, ...value] = part.split("=");
    if (value.length === 0 || name.trim() === "") problems.push(`The address says “${part.slice(0, 40)}”, which gives no name a value: it is left out.`);
    else values[name.trim()] = value.join("=").trim();
  }
  return { state: { expression: text, at: at === undefined && text === usual.expression ? { ...usual.at } : values, vector: vector === undefined ? "" : String(vector) }, problems };
}

/** What differs from the first example. @param {BackpropState} state @param {string[]} names of the leaves, as far as they are known */
export function backpropAddress({ expression, at, vector }, names) {
  const usual = backpropExamples[0];
  const told = Object.entries(at).filter(([name]) => names.length === 0 || names.includes(name)).map(([name, value]) => `${name}=${value}`).join(";");
  const first = expression === usual.expression && told === Object.entries(usual.at).map(([name, value]) => `${name}=${value}`).join(";");
  return { ...(expression === usual.expression ? {} : { expression }), ...(first || told === "" ? {} : { at: told }), ...(vector === "" ? {} : { vector }) };
}

/**
 * Numbers as they are typed: "1", "1, 2" or "[[1, 2], [3, 4]]".
 * @param {number[]} numbers flat @param {number[]} shape
 * @returns {string}
 */
export function leafText(numbers, shape) {
  const texts = numbers.map((each) => (Number.isFinite(each) ? String(Number(each.toPrecision(9))) : String(each).replace("Infinity", "inf").replace("NaN", "nan")));
  if (shape.length === 0) return texts[0];
  if (shape.length === 1 && texts.length > 1) return texts.join(", ");
  /** @param {number} depth @param {number} from @returns {string} */
  const spell = (depth, from) => {
    const inner = shape.slice(depth + 1).reduce((a, b) => a * b, 1);
    return `[${Array.from({ length: shape[depth] }, (_, i) => (depth === shape.length - 1 ? texts[from + i] : spell(depth + 1, from + i * inner))).join(", ")}]`;
  };
  return spell(0, 0);
}
