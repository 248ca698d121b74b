import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { MusicMapState } from '../../src/state/map.svelte';
import { fakeServer, refusal, track } from '../fakeServer';

const SUMMARY = { state: 'ready', version: 3, count: 2, genres: ['Jazz'], regions: [] };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function binaryPoints(): ArrayBuffer {
  const buffer = new ArrayBuffer(2 * 17);
  new Float64Array(buffer, 0, 2).set([10, 20]);
  new Float32Array(buffer, 16, 4).set([0.5, -0.5, 0.25, 0]);
  new Uint8Array(buffer, 32, 2).set([0, 255]);
  return buffer;
}

test('points are read when the server has built the map', async () => {
  let polls = 0;
  fakeServer({
    'api/map': () => (++polls < 3 ? { ...SUMMARY, state: 'making', version: -1 } : SUMMARY),
    'api/map/points': binaryPoints,
  });
  const map = new MusicMapState();
  const loaded = map.load(new AbortController().signal);
  await vi.advanceTimersByTimeAsync(2000);
  await loaded;
  expect(polls).toBe(3);
  expect([...(map.points?.ids ?? [])]).toEqual([10, 20]);
  expect([...(map.points?.positions ?? [])]).toEqual([0.5, -0.5, 0.25, 0]);
  expect([...(map.points?.genreIndices ?? [])]).toEqual([0, 255]);
});

test('a map that was closed loads no points', async () => {
  const requests = fakeServer({ 'api/map': () => SUMMARY });
  const controller = new AbortController();
  const map = new MusicMapState();
  const loaded = map.load(controller.signal);
  controller.abort();
  await loaded;
  expect(map.points).toBeUndefined();
  expect(requests).toHaveLength(1);
});

test('a map that could not be built is an error', async () => {
  fakeServer({ 'api/map': () => ({ ...SUMMARY, state: 'failed' }) });
  const map = new MusicMapState();
  await expect(map.load(new AbortController().signal)).rejects.toThrow('could not be built');
});

test('scores of an earlier query do not replace those of a later one', async () => {
  const replies: ((scores: ArrayBuffer) => void)[] = [];
  fakeServer({ 'api/map/scores': () => new Promise((resolve) => replies.push(resolve)) });
  const map = new MusicMapState();
  const first = map.loadScores({ terms: [{ text: 'first', weight: 1 }] });
  const second = map.loadScores({ terms: [{ text: 'second', weight: 1 }] });
  replies[1]?.(new Uint8Array([2, 2]).buffer);
  replies[0]?.(new Uint8Array([1, 1]).buffer);
  expect(await second).toBe(true);
  expect(await first).toBe(false);
  expect([...(map.scores ?? [])]).toEqual([2, 2]);
  expect(map.sortByScore([0, 1])).toEqual([0, 1]);
});

test('scores that cannot be loaded leave those that there are', async () => {
  fakeServer({ 'api/map/scores': () => refusal(409, 'the map has changed') });
  const map = new MusicMapState();
  expect(await map.loadScores({ terms: [{ text: 'jazz', weight: 1 }] })).toBe(false);
  expect(map.scores).toBeUndefined();
});

test('the label of a point is requested once', async () => {
  const requests = fakeServer({
    'api/map': () => SUMMARY,
    'api/map/points': binaryPoints,
    'api/map/tracks': () => ({ tracks: [track(10)] }),
  });
  const map = new MusicMapState();
  await map.load(new AbortController().signal);
  expect(await map.labelAt(0)).toBe('Track 10 · Artist');
  expect(await map.labelAt(0)).toBe('Track 10 · Artist');
  expect(requests.filter((one) => one.path === 'api/map/tracks')).toHaveLength(1);
});
