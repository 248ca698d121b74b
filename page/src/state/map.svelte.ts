/** State of the map: its points, regions, and the scores of all points for the query. */

import { api, ApiError, type MapSummary, type Query, type Region, type Track } from '../lib/api';

const POLL_MS = 700;

export interface MapPoints {
  count: number;
  ids: Float64Array;
  /** x and y of each point in turn. */
  positions: Float32Array;
  /** Index of each track's genre in the map's list of genres; 255 for none. */
  genreIndices: Uint8Array;
}

/** Split the binary response of `/api/map/points`: ids, positions, genre indices. */
export function parsePoints(buffer: ArrayBuffer, count: number): MapPoints {
  return {
    count,
    ids: new Float64Array(buffer, 0, count),
    positions: new Float32Array(buffer, 8 * count, 2 * count),
    genreIndices: new Uint8Array(buffer, 16 * count, count),
  };
}

export class MusicMapState {
  genres = $state<string[]>([]);
  regions = $state<Region[]>([]);
  points = $state.raw<MapPoints>();
  scores = $state.raw<Uint8Array>();

  private version = -1;
  private latestQuery: Query | undefined;
  private readonly labels = new Map<number, string>();

  /** Load the map, and wait while the server builds it, until the signal is aborted. */
  async load(signal: AbortSignal): Promise<void> {
    const summary = await this.waitUntilReady(signal);
    if (!summary) return;
    const buffer = await api.mapPoints(summary.version);
    if (signal.aborted) return;
    this.version = summary.version;
    this.genres = summary.genres;
    this.regions = summary.regions;
    this.points = parsePoints(buffer, summary.count);
  }

  /**
   * Load the score of every point for a query.
   *
   * Returns false, and keeps the scores, if that failed (as after an update of the library) or if
   * a later query has been made meanwhile.
   */
  async loadScores(query: Query): Promise<boolean> {
    this.latestQuery = query;
    try {
      const scores = await api.mapScores(this.version, { terms: query.terms });
      if (this.latestQuery !== query) return false;
      this.scores = scores;
      return true;
    } catch {
      return false;
    }
  }

  /** Return the tracks of points, in their order; deleted tracks are left out. */
  tracksAt(indices: number[]): Promise<Track[]> {
    return api.tracksById(indices.map((index) => this.points?.ids[index] ?? -1));
  }

  /** Return title and artist of the track at a point. */
  async labelAt(index: number): Promise<string> {
    const id = this.points?.ids[index];
    if (id === undefined) return '';
    let label = this.labels.get(id);
    if (label === undefined) {
      const [track] = await api.tracksById([id]);
      label = track ? [track.title, track.artist].filter(Boolean).join(' · ') : 'track deleted';
      this.labels.set(id, label);
    }
    return label;
  }

  /** Return indices of points by their score, best first. */
  sortByScore(indices: number[]): number[] {
    const scores = this.scores;
    return scores ? indices.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0)) : indices;
  }

  private async waitUntilReady(signal: AbortSignal): Promise<MapSummary | undefined> {
    for (;;) {
      const summary = await api.map();
      if (signal.aborted) return undefined;
      if (summary.state === 'ready') return summary;
      if (summary.state === 'failed') throw new ApiError('the map could not be built');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
