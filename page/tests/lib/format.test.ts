import { expect, test } from 'vitest';

import { formatClock, formatCount } from '../../src/lib/format';

test.each([
  [0, '0:00'],
  [59.9, '0:59'],
  [61, '1:01'],
  [3599, '59:59'],
  [3600, '1:00:00'],
  [-1, '0:00'],
])('%d seconds are formatted as %s', (seconds, text) => {
  expect(formatClock(seconds)).toBe(text);
});

test('a count agrees with its noun', () => {
  expect(formatCount(1, 'track')).toBe('1 track');
  expect(formatCount(0, 'track')).toBe('0 tracks');
  expect(formatCount(1234, 'file')).toBe('1,234 files');
});
