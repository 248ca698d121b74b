// What the server answers; see /api/openapi.json.

export interface Track {
  id: number;
  title: string;
  artist: string;
  album: string;
  genre: string;
  year: number | null;
  seconds: number;
  file: string;
}

export interface Hit {
  track: Track;
  score: number;
  start: number;
  end: number;
  named: boolean;
  missing: boolean;
  duplicates: number;
}

export interface Correction {
  typed: string;
  corrected: string;
}

export interface Found {
  hits: Hit[];
  corrections: Correction[];
  milliseconds: number;
}

export interface FacetValue {
  name: string;
  where: string;
  count: number;
}

export type Facets = Record<string, FacetValue[]>;

export interface Health {
  tracks: number;
  failed: number;
  model: string;
  version: string;
  writable: boolean;
}

export interface Job {
  state: 'idle' | 'running' | 'done' | 'failed';
  done: number;
  total: number;
  added: number;
  updated: number;
  removed: number;
  reason: string;
}

export interface Failure {
  file: string;
  reason: string;
}

export interface Moment {
  start: number;
  end: number;
  score: number;
}

export interface Region {
  x: number;
  y: number;
  name: string;
  count: number;
}

export interface MapOut {
  state: 'ready' | 'making' | 'failed';
  version: number;
  count: number;
  genres: string[];
  regions: Region[];
}

export interface TermIn {
  text?: string;
  track?: number;
  clip?: string;
  weight: number;
}

export interface QueryIn {
  terms: TermIn[];
  where?: string;
  limit?: number;
}

/** What the server refuses, in its own sentence. */
export class Refused extends Error {}

/** What went wrong, for people. */
export function sentence(error: unknown): string {
  return error instanceof Refused ? error.message : 'something went wrong';
}

async function ask<T>(path: string, options: RequestInit = {}): Promise<T> {
  return (await (await answered(path, options)).json()) as T;
}

async function answered(path: string, options: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused('the server does not answer: is it still running?');
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(problem.detail ?? `the server answers ${answer.status}`);
  }
  return answer;
}

function posted(body: unknown, signal?: AbortSignal): RequestInit {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify(body), signal: signal ?? null };
}

function send<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, posted(body, signal));
}

export const api = {
  health: () => ask<Health>('/health'),
  job: () => ask<Job>('/api/index'),
  startJob: () => ask<Job>('/api/index', { method: 'POST' }),
  failures: () => ask<{ failures: Failure[] }>('/api/index/failures'),
  search: (query: QueryIn, signal: AbortSignal) => send<Found>('/api/search', query, signal),
  facets: (where: string) =>
    ask<{ facets: Facets }>(`/api/facets?most=12&where=${encodeURIComponent(where)}`),
  sendClip: (file: File) =>
    ask<{ clip: string; seconds: number }>('/api/clips', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: file,
    }),
  waveform: (id: number) =>
    ask<{ seconds: number; peaks: number[] }>(`/api/tracks/${id}/waveform?points=600`),
  moments: (id: number, query: QueryIn) =>
    send<{ moments: Moment[] }>(`/api/tracks/${id}/moments`, query),
  extend: (ids: number[]) => send<Found>('/api/playlist/extend', { ids: ids.slice(-5000), count: 10 }),
  path: (start: number, end: number, count: number) =>
    ask<{ tracks: Track[] }>(`/api/path?start=${start}&end=${end}&count=${count}`),
  m3u8: async (ids: number[]) => (await answered('/api/playlist/m3u8', posted({ ids }))).blob(),
  refine: (remark: string, shown: number[]) =>
    send<{ terms: { text: string | null; track: number | null; weight: number }[]; where: string }>(
      '/api/refine',
      { remark, shown },
    ),
  map: () => ask<MapOut>('/api/map'),
  mapPoints: async (version: number) =>
    (await answered(`/api/map/points?version=${version}`, {})).arrayBuffer(),
  mapScores: async (version: number, query: QueryIn) =>
    new Uint8Array(
      await (await answered(`/api/map/scores?version=${version}`, posted(query))).arrayBuffer(),
    ),
  tracksById: async (ids: number[]) =>
    (await send<{ tracks: Track[] }>('/api/map/tracks', { ids })).tracks,
};

export const audioOf = (id: number) => `/api/tracks/${id}/audio`;
/** For what the browser cannot play as it is. */
export const convertedOf = (id: number) => `${audioOf(id)}?convert=flac`;
export const artworkOf = (id: number) => `/api/tracks/${id}/artwork?placeholder=true`;
