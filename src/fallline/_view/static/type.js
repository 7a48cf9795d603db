// @ts-check
// The type of everything written on a canvas.

/**
 * The css font of a picture's text.
 * @param {any} theme
 * @param {number} [factor]
 * @param {boolean} [bold]
 * @returns {string}
 */
export function labelFont(theme, factor = 1, bold = false) {
  const size = Math.max(12, (theme.fontSize || 12) * factor);
  return `${bold ? "600 " : ""}${size}px ${theme.font}`;
}
