// @ts-check
// The optimizers that can be chosen and their options, in plain words, with PyTorch's own defaults (a test compares them with torch's).

/**
 * @typedef {{key: string, name: string, words: string, default: number | boolean | number[], low?: number, high?: number, step?: number, log?: boolean}} Option
 * low, high, step: of its slider; log: the slider goes by factors
 * @typedef {{name: string, title: string, words: string, options: Option[]}} Optimizer
 */

/** @type {Option} */
const optimizersDecay = { key: "weight_decay", name: "Weight decay", words: "pulls the parameters towards 0", default: 0, low: 0, high: 1, step: 0.01 };
/** @param {number} value @returns {Option} */
const optimizersMomentum = (value) => ({ key: "momentum", name: "Momentum", words: "how much of the last step is kept", default: value, low: 0, high: 0.99, step: 0.01 });
/** @param {number} value @returns {Option} */
const optimizersEps = (value) => ({ key: "eps", name: "ε", words: "keeps a division by 0 away", default: value, low: 1e-12, high: 1, log: true });
/** @type {Option} */
const optimizersBetas = { key: "betas", name: "β₁, β₂", words: "memory of the gradient, and of its square", default: [0.9, 0.999], low: 0, high: 0.9999, step: 0.001 };

/** @type {Optimizer[]} */
export const optimizers = [
  { name: "SGD", title: "SGD", words: "minus the rate times the gradient, nothing else", options: [optimizersMomentum(0), { key: "dampening", name: "Dampening", words: "how much of the new gradient is left out", default: 0, low: 0, high: 1, step: 0.01 }, { key: "nesterov", name: "Nesterov", words: "looks ahead; wants momentum and no dampening", default: false }, optimizersDecay] },
  { name: "momentum", title: "Momentum", words: "SGD that keeps nine tenths of its last step", options: [optimizersMomentum(0.9), optimizersDecay] },
  { name: "nesterov", title: "Nesterov", words: "momentum that looks where it is about to land", options: [optimizersMomentum(0.9), optimizersDecay] },
  { name: "Adagrad", title: "Adagrad", words: "each parameter’s rate shrinks with the gradients it has seen", options: [{ key: "lr_decay", name: "Rate decay", words: "lowers the rate step by step", default: 0, low: 0, high: 1, step: 0.01 }, optimizersDecay, { key: "initial_accumulator_value", name: "First sum", words: "what the sum of squares begins with", default: 0, low: 0, high: 10, step: 0.1 }, optimizersEps(1e-10)] },
  { name: "RMSprop", title: "RMSprop", words: "divides by the size that gradients had lately", options: [{ key: "alpha", name: "α", words: "memory of the gradient’s square", default: 0.99, low: 0, high: 0.9999, step: 0.001 }, optimizersMomentum(0), { key: "centered", name: "Centred", words: "takes the mean gradient off first", default: false }, optimizersDecay, optimizersEps(1e-8)] },
  { name: "Adam", title: "Adam", words: "momentum, divided by the gradient’s recent size", options: [optimizersBetas, { key: "amsgrad", name: "AMSGrad", words: "never forgets the largest gradient", default: false }, optimizersDecay, optimizersEps(1e-8)] },
  { name: "AdamW", title: "AdamW", words: "Adam with its weight decay kept apart", options: [optimizersBetas, { ...optimizersDecay, default: 0.01 }, { key: "amsgrad", name: "AMSGrad", words: "never forgets the largest gradient", default: false }, optimizersEps(1e-8)] },
  { name: "NAdam", title: "NAdam", words: "Adam that looks ahead as Nesterov does", options: [optimizersBetas, { key: "momentum_decay", name: "Momentum decay", words: "how fast the looking ahead sets in", default: 0.004, low: 0, high: 0.1, step: 0.001 }, optimizersDecay, optimizersEps(1e-8)] },
  { name: "RAdam", title: "RAdam", words: "Adam with a careful beginning", options: [optimizersBetas, optimizersDecay, optimizersEps(1e-8)] },
  { name: "Adamax", title: "Adamax", words: "Adam that divides by the largest gradient", options: [optimizersBetas, optimizersDecay, optimizersEps(1e-8)] },
  { name: "Adadelta", title: "Adadelta", words: "sets its own rate from the steps it took", options: [{ key: "rho", name: "ρ", words: "memory of squares", default: 0.9, low: 0, high: 0.9999, step: 0.001 }, optimizersDecay, optimizersEps(1e-6)] },
  { name: "Rprop", title: "Rprop", words: "goes by the gradient’s sign only", options: [{ key: "etas", name: "η−, η+", words: "shrinks a step at a turn, grows it else", default: [0.5, 1.2], low: 0, high: 5, step: 0.05 }] },
];

/** @param {string} name @returns {Optimizer} one that is not in the list has its name and no options to choose */
export function findOptimizer(name) {
  return optimizers.find((each) => each.name.toLowerCase() === name.toLowerCase()) ?? { name, title: name, words: "", options: [] };
}
