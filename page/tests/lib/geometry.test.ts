import { expect, test } from 'vitest';

import { boundsOf, indicesInside, isInside, nearestIndices } from '../../src/lib/geometry';

const POINTS = new Float32Array([0, 0, 0.5, 0.5, -0.5, 0.25]);
const SQUARE = [
  [-0.1, -0.1],
  [0.6, -0.1],
  [0.6, 0.6],
  [-0.1, 0.6],
];

test('bounds contain all points', () => {
  expect(boundsOf(POINTS, 3)).toEqual({ left: -0.5, right: 0.5, bottom: 0, top: 0.5 });
});

test('points inside a polygon are selected', () => {
  expect(indicesInside(POINTS, 3, SQUARE)).toEqual([0, 1]);
});

test('the notch of a concave polygon is outside', () => {
  const arrow = [
    [0, 0],
    [4, 4],
    [0, 8],
    [2, 4],
  ];
  expect(isInside(3, 4, arrow)).toBe(true);
  expect(isInside(1, 4, arrow)).toBe(false);
});

test('nearest points come first', () => {
  expect(nearestIndices(POINTS, 3, { x: 0.4, y: 0.4 }, 2)).toEqual([1, 0]);
});
