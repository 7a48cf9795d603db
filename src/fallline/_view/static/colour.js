// @ts-check
// Colours of the loss (cividis: perceptual, safe for colour-blind eyes, dark is low) and of the halos over it.

// Ten stops of cividis (Nuñez, Anderton & Renslow 2018), evenly spaced.
const colourCividis = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
];

/**
 * @param {number} shade 0 (lowest loss) … 1
 * @returns {[number, number, number]} red, green, blue, 0 … 255
 */
export function shadeRgb(shade) {
  const place = Math.min(1, Math.max(0, Number.isFinite(shade) ? shade : 1)) * (colourCividis.length - 1);
  const low = Math.min(colourCividis.length - 2, Math.floor(place));
  const part = place - low;
  const mix = colourCividis[low].map((value, i) => Math.round(value + part * (colourCividis[low + 1][i] - value)));
  return [mix[0], mix[1], mix[2]];
}

/**
 * @param {number} shade 0 (lowest loss) … 1
 * @param {number} [light] brightness, 1 leaves the colour as it is
 * @returns {string} css colour
 */
export function shadeColour(shade, light = 1) {
  const [red, green, blue] = shadeRgb(shade).map((value) => Math.round(Math.min(255, value * light)));
  return `rgb(${red},${green},${blue})`;
}

/**
 * The shade of a loss: the logarithm of its excess over the floor, between the two ends the payload names.
 * @param {any} scene
 * @param {number} loss
 * @returns {number} 0 … 1
 */
export function lossShade(scene, loss) {
  const { top, bottom } = scene.color;
  const excess = loss - scene.floor.loss;
  if (Number.isNaN(excess)) return 1;
  if (!(excess > bottom)) return 0;
  return Math.min(1, Math.log(excess / bottom) / Math.log(top / bottom));
}

/**
 * The loss that has a shade: the inverse of lossShade.
 * @param {any} scene
 * @param {number} shade
 * @returns {number}
 */
export function shadeLoss(scene, shade) {
  const { top, bottom } = scene.color;
  return scene.floor.loss + bottom * (top / bottom) ** shade;
}

/**
 * @param {any} scene
 * @param {number} loss
 * @returns {string} css colour
 */
export function lossColour(scene, loss) {
  return shadeColour(lossShade(scene, loss));
}

/**
 * Relative luminance (WCAG 2).
 * @param {string} colour "#rgb", "#rrggbb" or "rgb(…)"
 * @returns {number} 0 (black) … 1 (white)
 */
export function luminance(colour) {
  const [red, green, blue] = colourChannels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * The halo that parts a mark from whatever lies under it: dark round light colours, light round dark ones.
 * @param {string} colour
 * @returns {string} css colour
 */
export function haloFor(colour) {
  return luminance(colour) > 0.2 ? "rgba(10,14,26,0.82)" : "rgba(255,255,255,0.92)";
}

/**
 * The same colour, partly transparent.
 * @param {string} colour
 * @param {number} alpha 0 … 1
 * @returns {string} css colour
 */
export function withAlpha(colour, alpha) {
  const [red, green, blue] = colourChannels(colour);
  return `rgba(${red},${green},${blue},${alpha})`;
}

/** @param {string} colour @returns {number[]} */
function colourChannels(colour) {
  const hex = colour.trim().replace(/^#/, "");
  if (/^[0-9a-f]{6}$/i.test(hex)) return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  if (/^[0-9a-f]{3}$/i.test(hex)) return [...hex].map((digit) => parseInt(digit + digit, 16));
  const numbers = colour.match(/[\d.]+/g) ?? [];
  return numbers.length >= 3 ? numbers.slice(0, 3).map(Number) : [128, 128, 128];
}
