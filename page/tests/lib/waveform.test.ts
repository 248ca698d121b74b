import { expect, test } from 'vitest';

import { barColour, scoreAt } from '../../src/lib/waveform';

const MOMENTS = [
  { start: 0, end: 10, score: 20 },
  { start: 10, end: 20, score: 80 },
];

test('each second has the score of its window', () => {
  expect(scoreAt(MOMENTS, 9.9)).toBe(20);
  expect(scoreAt(MOMENTS, 10)).toBe(80);
  expect(scoreAt(MOMENTS, 99)).toBe(80);
});

test('without windows the score is 0', () => {
  expect(scoreAt([], 5)).toBe(0);
});

test('a higher score has more colour', () => {
  expect(barColour(0)).toBe('hsl(255 0% 68%)');
  expect(barColour(100)).toBe('hsl(255 90% 56%)');
});
