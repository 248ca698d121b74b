/**
 * Client of the HTTP API.
 *
 * Addresses are relative: a reverse proxy may serve the page under a prefix. Requests and responses have the types of the OpenAPI document (`npm run types` generates them).
 */

import type { components } from './schema';

type Schemas = components['schemas'];
export type Correction = Schemas['CorrectionOut'];
export type Facets = Schemas['Facets']['facets'];
export type Failure = Schemas['Failure'];
export type Health = Schemas['Health'];
export type Hit = Schemas['HitOut'];
export type IndexStatus = Schemas['IndexStatus'];
export type MapSummary = Schemas['MapOut'];
export type Moment = Schemas['MomentOut'];
export type Query = Partial<Schemas['QueryIn']> & { terms: Term[] };
export type Refinement = Schemas['RefinementOut'];
export type Region = Schemas['RegionOut'];
export type SearchResponse = Schemas['SearchResponse'];
export type Term = Partial<Schemas['TermIn']> & { weight: number };
export type Track = Schemas['TrackOut'];
export type Waveform = Schemas['Waveform'];

/** The server accepts at most this many tracks in a request to extend a playlist. */
const MAX_PLAYLIST = 5000;
const EXTENSION_LENGTH = 10;
const FACET_VALUES = 12;
const WAVEFORM_POINTS = 600;

/** Error with a message for users: the server refused the request, or does not respond. */
export class ApiError extends Error {}

/** Return the message of an error for users. */
export function errorMessage(error: unknown): string {
  return error instanceof ApiError ? error.message : 'something went wrong';
}

async function fetchResponse(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('the server does not respond: is it still running?');
  }
  if (!response.ok) {
    const problem = (await response.json().catch(() => ({}))) as Partial<Schemas['Problem']>;
    throw new ApiError(problem.detail ?? `the server responded with status ${response.status}`);
  }
  return response;
}

async function getJson<T>(path: string, options: RequestInit = {}): Promise<T> {
  return (await (await fetchResponse(path, options)).json()) as T;
}

function jsonRequest(body: unknown, signal?: AbortSignal): RequestInit {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify(body), signal: signal ?? null };
}

function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return getJson<T>(path, jsonRequest(body, signal));
}

/**
 * Name of the library, part of the addresses of audio and artwork: the browser caches them, and
 * another library has other tracks under the same ids.
 */
let libraryName = '';

export const api = {
  health: async () => {
    const health = await getJson<Health>('health');
    libraryName = health.library ?? '';
    return health;
  },
  indexStatus: () => getJson<IndexStatus>('api/index'),
  startIndex: () => getJson<IndexStatus>('api/index', { method: 'POST' }),
  indexFailures: () => getJson<Schemas['Failures']>('api/index/failures'),
  search: (query: Query, signal: AbortSignal) =>
    postJson<SearchResponse>('api/search', query, signal),
  facets: (where: string) =>
    getJson<Schemas['Facets']>(
      `api/facets?most=${FACET_VALUES}&where=${encodeURIComponent(where)}`,
    ),
  uploadClip: (file: File) =>
    getJson<Schemas['ClipOut']>('api/clips', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: file,
    }),
  waveform: (id: number) =>
    getJson<Waveform>(`api/tracks/${id}/waveform?points=${WAVEFORM_POINTS}`),
  moments: (id: number, query: Query) =>
    postJson<Schemas['Moments']>(`api/tracks/${id}/moments`, query),
  extendPlaylist: (ids: number[]) =>
    postJson<SearchResponse>('api/playlist/extend', {
      ids: ids.slice(-MAX_PLAYLIST),
      count: EXTENSION_LENGTH,
    }),
  path: (start: number, end: number, count: number) =>
    getJson<Schemas['PathOut']>(`api/path?start=${start}&end=${end}&count=${count}`),
  exportPlaylist: async (ids: number[]) =>
    (await fetchResponse('api/playlist/m3u8', jsonRequest({ ids }))).blob(),
  refine: (remark: string, shown: number[]) =>
    postJson<Refinement>('api/refine', { remark, shown }),
  map: () => getJson<MapSummary>('api/map'),
  mapPoints: async (version: number) =>
    (await fetchResponse(`api/map/points?version=${version}`)).arrayBuffer(),
  mapScores: async (version: number, query: Query) => {
    const response = await fetchResponse(`api/map/scores?version=${version}`, jsonRequest(query));
    return new Uint8Array(await response.arrayBuffer());
  },
  tracksById: async (ids: number[]) =>
    (await postJson<Schemas['TracksByIdOut']>('api/map/tracks', { ids })).tracks,
};

/** Return the address of a track's audio file. */
export const audioUrl = (id: number) => `api/tracks/${id}/audio?library=${libraryName}`;
/** Return the address of a track's audio as FLAC, for formats that the browser cannot play. */
export const transcodedAudioUrl = (id: number) => `${audioUrl(id)}&convert=flac`;
/** Return the address of a track's cover art, or of a drawn placeholder. */
export const artworkUrl = (id: number) =>
  `api/tracks/${id}/artwork?placeholder=true&library=${libraryName}`;
