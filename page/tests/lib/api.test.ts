import { expect, test, vi } from 'vitest';

import { api, artworkUrl, audioUrl, errorMessage, transcodedAudioUrl } from '../../src/lib/api';
import { fakeServer, refusal } from '../fakeServer';

test("the server's reason is the message of the error", async () => {
  fakeServer({ 'api/facets': () => refusal(422, 'unknown field: yeer') });
  const error = await api.facets('yeer > 1').catch((reason: unknown) => reason);
  expect(errorMessage(error)).toBe('unknown field: yeer');
});

test('a response that is not JSON is reported by its status', async () => {
  fakeServer({ health: () => new Response('<html>', { status: 502 }) });
  await expect(api.health()).rejects.toThrow('the server responded with status 502');
});

test('a server that does not respond is reported', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  await expect(api.health()).rejects.toThrow('the server does not respond');
});

test('filters are encoded in the address', async () => {
  const requests = fakeServer({ 'api/facets': () => ({ facets: {} }) });
  await api.facets('genre = "Jazz & Blues"');
  expect(requests[0]?.path).toContain('where=genre%20%3D%20%22Jazz%20%26%20Blues%22');
});

test('errors of the page itself are not shown in detail', () => {
  expect(errorMessage(new TypeError('x is undefined'))).toBe('something went wrong');
});

test('addresses of files name the library, so that caches do not mix libraries', async () => {
  fakeServer({ health: () => ({ status: 'ok', library: 'abc' }) });
  await api.health();
  expect(audioUrl(7)).toBe('api/tracks/7/audio?library=abc');
  expect(transcodedAudioUrl(7)).toBe('api/tracks/7/audio?library=abc&convert=flac');
  expect(artworkUrl(7)).toContain('library=abc');
});
