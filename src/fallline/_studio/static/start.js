// @ts-check
// What the page loads first: the shell (which the server sends with its pages "neuron" and "formulas" as one module), put into the page.

import { render } from "./studio.js";

render({ el: document.body });
