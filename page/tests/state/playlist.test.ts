import { beforeEach, expect, test } from 'vitest';

import { Playlist } from '../../src/state/playlist.svelte';
import { fakeServer, hit, refusal, track } from '../fakeServer';

beforeEach(() => localStorage.clear());

function open(library = 'a'): Playlist {
  const playlist = new Playlist();
  playlist.open(library);
  return playlist;
}

function ids(playlist: Playlist): number[] {
  return playlist.tracks.map((one) => one.id);
}

test('a track is added once', () => {
  const playlist = open();
  playlist.add(track(1), track(2));
  playlist.add(track(2), track(3));
  expect(ids(playlist)).toEqual([1, 2, 3]);
  expect(playlist.announcement).toBe('Track 3 added');
});

test('tracks move within the bounds of the playlist', () => {
  const playlist = open();
  playlist.add(track(1), track(2), track(3));
  playlist.move(0, 2);
  expect(ids(playlist)).toEqual([2, 3, 1]);
  playlist.move(0, 3);
  playlist.move(0, -1);
  expect(ids(playlist)).toEqual([2, 3, 1]);
});

test('the playlist is stored in the browser', () => {
  const playlist = open();
  playlist.add(track(1), track(2));
  playlist.remove(1);
  expect(ids(open())).toEqual([2]);
  playlist.clear();
  expect(ids(open())).toEqual([]);
});

test.each(['no JSON', '{"a": 1}'])('stored data that is no playlist (%s) is ignored', (stored) => {
  localStorage.setItem('playlist-a', stored);
  expect(ids(open())).toEqual([]);
});

test('an extension is appended', async () => {
  const requests = fakeServer({ 'api/playlist/extend': () => ({ hits: [hit(7)] }) });
  const playlist = open();
  playlist.add(track(1));
  await playlist.extend();
  expect(ids(playlist)).toEqual([1, 7]);
  expect(requests[0]?.body).toEqual({ ids: [1], count: 10 });
});

test('a path replaces the tracks between the ends', async () => {
  fakeServer({ 'api/path': () => ({ tracks: [track(1), track(5), track(3)] }) });
  const playlist = open();
  playlist.add(track(1), track(2), track(3));
  await playlist.pathBetweenEnds();
  expect(ids(playlist)).toEqual([1, 5, 3]);
});

test('a refused request leaves the playlist as it is and shows the reason', async () => {
  fakeServer({ 'api/path': () => refusal(404, 'track 1 is not in the library') });
  const playlist = open();
  playlist.add(track(1), track(2));
  await playlist.pathBetweenEnds();
  expect(ids(playlist)).toEqual([1, 2]);
  expect(playlist.problem).toBe('track 1 is not in the library');
});

test('each library has its own playlist', () => {
  open('a').add(track(1));
  expect(ids(open('b'))).toEqual([]);
  expect(ids(open('a'))).toEqual([1]);
});
