// @ts-check
// The camera of the bowl: orthographic, given by where the viewer stands. Box units: the floor's longer half side is 1.

/** @typedef {{azimuth: number, elevation: number}} Camera degrees; azimuth is the side the viewer stands on, counter-clockwise from the first axis */
/** @typedef {{x: number, y: number, height: number, at: (x: number, y: number) => [number, number], heightOf: (loss: number) => number}} BowlBox half sides and height in box units */

const cameraOffValley = 35;
const cameraElevation = 38;
const cameraTopFrom = 75; // degrees: from here up the picture grows to fill its room
/** Height of the cut above the lowest loss, in half sides. */
const cameraBoxHeight = 1.05;

/**
 * The bowl that belongs to a window, else the main one.
 * @param {any} scene
 * @param {string} windowId
 * @returns {any}
 */
export function bowlFor(scene, windowId) {
  const named = scene.bowls.find((/** @type {any} */ bowl) => bowl.window === windowId);
  return named ?? scene.bowls.find((/** @type {any} */ bowl) => bowl.window === "main") ?? scene.bowls[0];
}

/**
 * The box a bowl stands in.
 * @param {any} scene
 * @param {any} bowl
 * @returns {BowlBox}
 */
export function bowlBox(scene, bowl) {
  const view = scene.windows.find((/** @type {any} */ window) => window.id === bowl.window);
  const [x0, x1] = [bowl.x[0], bowl.x[bowl.x.length - 1]];
  const [y0, y1] = [bowl.y[0], bowl.y[bowl.y.length - 1]];
  const longer = Math.max(x1 - x0, y1 - y0);
  const equal = !view || view.equal;
  const [halfX, halfY] = equal ? [(x1 - x0) / longer, (y1 - y0) / longer] : [1, 1];
  const lowest = bowlLowest(bowl);
  return {
    x: halfX,
    y: halfY,
    height: cameraBoxHeight,
    at: (x, y) => [((2 * (x - x0)) / (x1 - x0) - 1) * halfX, ((2 * (y - y0)) / (y1 - y0) - 1) * halfY],
    heightOf: (loss) => ((loss - lowest) / (bowl.cut - lowest || 1)) * cameraBoxHeight,
  };
}

/**
 * The lowest loss of a bowl.
 * @param {any} bowl
 * @returns {number}
 */
export function bowlLowest(bowl) {
  let lowest = Infinity;
  for (const row of bowl.loss) for (const loss of row) if (Number.isFinite(loss) && loss < lowest) lowest = loss;
  return Number.isFinite(lowest) ? lowest : 0;
}

/**
 * 35° off the valley's axis, 38° up, on the side from which the start stands on the far wall.
 * @param {any} scene
 * @returns {Camera}
 */
export function homeCamera(scene) {
  const bowl = bowlFor(scene, "main");
  const start = scene.frames.start_uv[0];
  if (!bowl || !start) return { azimuth: -60, elevation: cameraElevation };
  const box = bowlBox(scene, bowl);
  const axis = cameraValley(bowl, box);
  const [x, y] = box.at(start[0], start[1]);
  let best = -60;
  let least = Infinity;
  for (const turn of [0, 180]) {
    for (const side of [-cameraOffValley, cameraOffValley]) {
      const angle = axis + turn + side;
      const [across, up] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
      const nearness = x * across + y * up + 0.15 * up;
      if (nearness < least) [best, least] = [angle, nearness];
    }
  }
  return { azimuth: cameraWrap(best), elevation: cameraElevation };
}

/**
 * From straight above, the first axis to the right: the contour's view.
 * @returns {Camera}
 */
export function topCamera() {
  return { azimuth: -90, elevation: 90 };
}

/**
 * @param {Camera} camera
 * @param {number} dx px dragged to the right
 * @param {number} dy px dragged down
 * @returns {Camera}
 */
export function turnCamera(camera, dx, dy) {
  return {
    azimuth: cameraWrap(camera.azimuth - dx * 0.45),
    elevation: Math.min(90, Math.max(8, camera.elevation + dy * 0.35)),
  };
}

/**
 * Screen coordinates and depth (larger is nearer) of box points; below 75° the scale depends on the elevation only, so that turning does not zoom.
 * @param {Camera} camera
 * @param {BowlBox} box
 * @param {{left: number, top: number, width: number, height: number}} room px
 * @returns {{project: (x: number, y: number, z: number) => [number, number], nearness: (x: number, y: number) => number, toViewer: [number, number, number], scale: number}}
 */
export function cameraView(camera, box, room) {
  const [azimuth, elevation] = [(camera.azimuth * Math.PI) / 180, (camera.elevation * Math.PI) / 180];
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  const radius = Math.hypot(box.x, box.y);
  const tall = 2 * radius * se + box.height * ce;
  const turning = Math.min(room.width / (2 * radius), room.height / tall);
  const acrossHalf = box.x * Math.abs(sa) + box.y * Math.abs(ca);
  const upHalf = box.x * Math.abs(ca) + box.y * Math.abs(sa);
  const above = Math.min(room.width / (2 * acrossHalf), room.height / (2 * upHalf * se + box.height * ce));
  const scale = turning + (above - turning) * Math.max(0, (camera.elevation - cameraTopFrom) / (90 - cameraTopFrom)) ** 2;
  const middle = [room.left + room.width / 2, room.top + room.height / 2 + (box.height * ce * scale) / 2];
  return {
    project: (x, y, z) => [middle[0] + scale * (y * ca - x * sa), middle[1] - scale * (z * ce - se * (x * ca + y * sa))],
    nearness: (x, y) => x * ca + y * sa,
    toViewer: [ce * ca, ce * sa, se],
    scale,
  };
}

/**
 * The direction in which the loss changes least over the bowl, degrees: the smaller axis of its gradients' spread.
 * @param {any} bowl
 * @param {BowlBox} box
 * @returns {number}
 */
function cameraValley(bowl, box) {
  let [xx, xy, yy] = [0, 0, 0];
  const [stepX, stepY] = [(2 * box.x) / (bowl.x.length - 1), (2 * box.y) / (bowl.y.length - 1)];
  for (let row = 1; row + 1 < bowl.y.length; row += 1) {
    for (let column = 1; column + 1 < bowl.x.length; column += 1) {
      if (!(bowl.loss[row][column] <= bowl.cut)) continue;
      const gx = (bowl.loss[row][column + 1] - bowl.loss[row][column - 1]) / (2 * stepX);
      const gy = (bowl.loss[row + 1][column] - bowl.loss[row - 1][column]) / (2 * stepY);
      if (!Number.isFinite(gx * gy)) continue;
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
    }
  }
  const steepest = 0.5 * Math.atan2(2 * xy, xx - yy);
  return (steepest * 180) / Math.PI + 90;
}

/** @param {number} angle @returns {number} the same angle in −180 … 180 */
function cameraWrap(angle) {
  return ((((angle + 180) % 360) + 360) % 360) - 180;
}
