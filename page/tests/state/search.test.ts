import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Query } from '../../src/lib/api';
import { Search } from '../../src/state/search.svelte';
import { fakeServer, hit, refusal, track } from '../fakeServer';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function hits(...ids: number[]) {
  return { hits: ids.map((id) => hit(id)), corrections: [], milliseconds: 1, no_hits_reason: '' };
}

function shownIds(search: Search): number[] {
  return search.hits.map((one) => one.track.id);
}

test('words are sent as a term and the hits are shown', async () => {
  const requests = fakeServer({ 'api/search': () => hits(2, 1) });
  const search = new Search();
  search.words = '  warm jazz ';
  await search.run();
  expect(requests[0]?.body).toEqual({
    terms: [{ text: 'warm jazz', weight: 1 }],
    where: '',
    limit: 30,
  });
  expect(shownIds(search)).toEqual([2, 1]);
  expect(search.completedQuery.terms).toHaveLength(1);
  expect(search.isBusy).toBe(false);
});

test('an empty query sends no request and removes the hits', async () => {
  const requests = fakeServer({ 'api/search': () => hits(1) });
  const search = new Search();
  search.words = 'jazz';
  await search.run();
  search.words = ' ';
  await search.run();
  expect(requests).toHaveLength(1);
  expect(search.hits).toEqual([]);
});

test('an empty result has a reason until filters are removed', async () => {
  const requests = fakeServer({
    'api/search': ({ body }) =>
      (body as Query).where
        ? { ...hits(), no_hits_reason: 'no track matches the filter' }
        : hits(1),
    'api/facets': () => ({ facets: {} }),
  });
  const search = new Search();
  search.words = 'jazz';
  search.filters = [{ name: '1800s', where: 'year < 1900' }];
  await search.run();
  expect(search.noHitsReason).toBe('no track matches the filter');
  search.removeFilters();
  await vi.waitFor(() => expect(shownIds(search)).toEqual([1]));
  expect(search.noHitsReason).toBe('');
  expect(requests.filter((one) => one.path === 'api/search')).toHaveLength(2);
  search.undo();
  expect(search.filters).toHaveLength(1);
});

test('typing sends one request, after a pause', async () => {
  const requests = fakeServer({ 'api/search': () => hits(1) });
  const search = new Search();
  for (const words of ['j', 'ja', 'jazz']) {
    search.words = words;
    search.runDebounced();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(requests).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(requests.map((one) => (one.body as Query).terms[0]?.text)).toEqual(['jazz']);
});

test('a late response to an earlier query is ignored', async () => {
  const replies: ((value: unknown) => void)[] = [];
  fakeServer({ 'api/search': () => new Promise((resolve) => replies.push(resolve)) });
  const search = new Search();
  search.words = 'first';
  const first = search.run();
  search.words = 'second';
  const second = search.run();
  replies[1]?.(hits(2));
  replies[0]?.(hits(1));
  await Promise.all([first, second]);
  expect(shownIds(search)).toEqual([2]);
  expect(search.completedQuery.terms[0]?.text).toBe('second');
});

test("a refused query shows the server's reason and no hits", async () => {
  fakeServer({ 'api/search': () => refusal(422, "no word of 'zzz' is known") });
  const search = new Search();
  search.words = 'zzz';
  await search.run();
  expect(search.problem).toBe("no word of 'zzz' is known");
  expect(search.hits).toEqual([]);
  expect(search.isBusy).toBe(false);
});

test('filters are joined, and each can be removed', () => {
  fakeServer({ 'api/search': () => hits(), 'api/facets': () => ({ facets: {} }) });
  const search = new Search();
  search.toggleFilter('Jazz', 'genre = "Jazz"');
  search.toggleFilter('1990s', 'year >= 1990 and year < 2000');
  expect(search.where).toBe('(genre = "Jazz") and (year >= 1990 and year < 2000)');
  search.toggleFilter('Jazz', 'genre = "Jazz"');
  expect(search.where).toBe('(year >= 1990 and year < 2000)');
});

test('a refinement of weight 0 is not part of the query', () => {
  fakeServer({ 'api/search': () => hits() });
  const search = new Search();
  search.addRefinement('drums', 'words', 'drums', -0.5);
  search.addRefinement('Track 4', 'track', 4, 0);
  search.addRefinement('hum.wav', 'clip', 'abc', 1);
  expect(search.query.terms).toEqual([
    { text: 'drums', weight: -0.5 },
    { clip: 'abc', weight: 1 },
  ]);
});

test('adding a refinement again changes its weight', () => {
  fakeServer({ 'api/search': () => hits() });
  const search = new Search();
  search.addRefinement('calm', 'words', 'calm', 0.5);
  search.addRefinement('calm', 'words', 'calm', -0.5);
  expect(search.refinements.map((one) => one.weight)).toEqual([-0.5]);
});

test('a remark becomes refinements with titles, and a filter', async () => {
  fakeServer({
    'api/search': () => hits(1, 2),
    'api/facets': () => ({ facets: {} }),
    'api/refine': () => ({
      terms: [
        { text: 'calm', track: null, weight: 0.5 },
        { text: null, track: 2, weight: 1 },
      ],
      where: 'year >= 1990 and year < 2000',
    }),
  });
  const search = new Search();
  search.words = 'jazz';
  await search.run();
  await search.refineByText('calmer, more like the second one, from the 1990s');
  expect(search.refinements.map((one) => one.label)).toEqual(['calm', 'Track 2']);
  expect(search.filters).toEqual([
    { name: '>= 1990 < 2000', where: 'year >= 1990 and year < 2000' },
  ]);
});

test('undo restores words, refinements and filters', async () => {
  fakeServer({ 'api/search': () => hits(1), 'api/facets': () => ({ facets: {} }) });
  const search = new Search();
  search.words = 'jazz';
  search.toggleFilter('Jazz', 'genre = "Jazz"');
  search.searchByTrack('Track 1', 1);
  expect(search.words).toBe('');
  search.undo();
  expect(search.words).toBe('jazz');
  expect(search.filters).toHaveLength(1);
  search.undo();
  expect(search.filters).toEqual([]);
  expect(search.canUndo).toBe(false);
});

test('a listed region is no search: it has no scores and no further pages', () => {
  const search = new Search();
  search.showTracks([track(1), track(2)], 'around “calm piano”', 70);
  expect(search.listLabel).toBe('70 tracks around “calm piano”, the first 2');
  expect(search.hits.every((one) => one.score === -1)).toBe(true);
  expect(search.mayHaveMore).toBe(false);
});

test('more hits are loaded a page at a time', async () => {
  const requests = fakeServer({
    'api/search': ({ body }) => hits(...Array((body as Query).limit ?? 0).keys()),
  });
  const search = new Search();
  search.words = 'jazz';
  await search.run();
  expect(search.mayHaveMore).toBe(true);
  search.loadMore();
  await vi.runAllTimersAsync();
  expect(requests.map((one) => (one.body as Query).limit)).toEqual([30, 60]);
  expect(search.hits).toHaveLength(60);
});

test('a file that is not audio is refused by its name', async () => {
  fakeServer({ 'api/clips': () => refusal(422, 'the file is not audio') });
  const search = new Search();
  await search.searchByFile(new File(['text'], 'song.mp3'));
  expect(search.problem).toBe('song.mp3: the file is not audio');
  expect(search.isBusy).toBe(false);
});

test('an uploaded file replaces the query', async () => {
  fakeServer({ 'api/clips': () => ({ clip: 'abc', seconds: 3 }), 'api/search': () => hits(3) });
  const search = new Search();
  search.words = 'jazz';
  await search.searchByFile(new File(['...'], 'hum.wav'));
  expect(search.query.terms).toEqual([{ clip: 'abc', weight: 1 }]);
});
