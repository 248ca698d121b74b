import { vi } from 'vitest';

import type { Hit, Track } from '../src/lib/api';

export interface FakeRequest {
  path: string;
  body: unknown;
}

type Route = (request: FakeRequest) => unknown;

/** Replace `fetch` by routes that return JSON or bytes, or a `Response`; return the requests. */
export function fakeServer(routes: Record<string, Route>): FakeRequest[] {
  const requests: FakeRequest[] = [];
  vi.stubGlobal('fetch', (address: string, options: RequestInit = {}) => {
    const { body } = options;
    const request = { path: address, body: typeof body === 'string' ? JSON.parse(body) : body };
    requests.push(request);
    const route = routes[address.split('?')[0] ?? ''];
    if (!route) return Promise.reject(new TypeError(`no route for ${address}`));
    const reply = Promise.resolve(route(request)).then((value) => {
      if (value instanceof Response) return value;
      const content = value instanceof ArrayBuffer ? value : JSON.stringify(value);
      return new Response(content);
    });
    return abortable(reply, options.signal);
  });
  return requests;
}

/** Reject as `fetch` does when the signal is aborted first. */
function abortable<T>(reply: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
    reply.then(resolve, reject);
  });
}

export function refusal(status: number, detail: string): Response {
  return new Response(JSON.stringify({ title: 'Error', status, detail }), { status });
}

export function track(id: number): Track {
  return {
    id,
    title: `Track ${id}`,
    artist: 'Artist',
    album: '',
    genre: '',
    year: null,
    seconds: 60,
    file: `${id}.flac`,
  };
}

export function hit(id: number, score = 50): Hit {
  return {
    track: track(id),
    score,
    start: 0,
    end: 10,
    named: false,
    missing: false,
    duplicates: 0,
  };
}
