/** Geometry of points in the plane of the map. */

export interface Bounds {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

/** Return the bounding box of `count` points, stored as x and y in turn. */
export function boundsOf(positions: Float32Array, count: number): Bounds {
  const bounds: Bounds = { left: 1, right: -1, bottom: 1, top: -1 };
  for (let n = 0; n < count; n += 1) {
    const x = positions[2 * n] ?? 0;
    const y = positions[2 * n + 1] ?? 0;
    bounds.left = Math.min(bounds.left, x);
    bounds.right = Math.max(bounds.right, x);
    bounds.bottom = Math.min(bounds.bottom, y);
    bounds.top = Math.max(bounds.top, y);
  }
  return bounds;
}

/**
 * Check whether a point is inside a polygon: a ray to the right crosses the outline an odd number
 * of times.
 */
export function isInside(x: number, y: number, corners: number[][]): boolean {
  let inside = false;
  for (let n = 0, last = corners.length - 1; n < corners.length; last = n, n += 1) {
    const [x1 = 0, y1 = 0] = corners[n] ?? [];
    const [x2 = 0, y2 = 0] = corners[last] ?? [];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/** Return the indices of the points inside a polygon. */
export function indicesInside(
  positions: Float32Array,
  count: number,
  corners: number[][],
): number[] {
  const inside: number[] = [];
  for (let n = 0; n < count; n += 1) {
    if (isInside(positions[2 * n] ?? 0, positions[2 * n + 1] ?? 0, corners)) inside.push(n);
  }
  return inside;
}

/** Return the indices of the `limit` points nearest to a point, nearest first. */
export function nearestIndices(
  positions: Float32Array,
  count: number,
  center: { x: number; y: number },
  limit: number,
): number[] {
  const squaredDistance = (n: number) =>
    ((positions[2 * n] ?? 0) - center.x) ** 2 + ((positions[2 * n + 1] ?? 0) - center.y) ** 2;
  return Array.from({ length: count }, (_, n) => n)
    .sort((a, b) => squaredDistance(a) - squaredDistance(b))
    .slice(0, limit);
}
