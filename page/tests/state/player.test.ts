import { expect, test } from 'vitest';

import { player } from '../../src/state/player.svelte';
import { hit } from '../fakeServer';

test('the queue is followed and ends at its ends', () => {
  const queue = [hit(1), hit(2)];
  player.start(hit(1), queue);
  player.step(-1);
  expect(player.isCurrent(1)).toBe(true);
  player.step(1);
  expect(player.isCurrent(2)).toBe(true);
  player.step(1);
  expect(player.isCurrent(2)).toBe(true);
});
