import { expect, test } from 'vitest';

import { GENRE_COLOURS, pointColours } from '../../src/lib/mapLayers';

const POINTS = {
  count: 2,
  ids: new Float64Array([1, 2]),
  positions: new Float32Array(4),
  genreIndices: new Uint8Array([1, 255]),
};

test('genres have colours, and points without a genre are grey', () => {
  const rgba = pointColours(POINTS, 'genre', undefined, false);
  expect([...rgba.slice(0, 3)]).toEqual(GENRE_COLOURS[1]);
  expect([...rgba.slice(4, 7)]).toEqual([140, 136, 150]);
});

test('the best match has the full colour of the theme', () => {
  const scores = new Uint8Array([100, 0]);
  const light = pointColours(POINTS, 'match', scores, false);
  expect([...light.slice(0, 4)]).toEqual([84, 50, 230, 255]);
  expect([...light.slice(4, 8)]).toEqual([140, 136, 150, 50]);
  const dark = pointColours(POINTS, 'match', scores, true);
  expect([...dark.slice(0, 4)]).toEqual([178, 158, 255, 255]);
});

test('genres are shown until scores are loaded', () => {
  expect(pointColours(POINTS, 'match', undefined, false)).toEqual(
    pointColours(POINTS, 'genre', undefined, false),
  );
});
