/** State of the search, shared by the whole page: the query, its history and its hits. */

import {
  api,
  ApiError,
  errorMessage,
  type Correction,
  type Facets,
  type Hit,
  type Query,
  type Term,
  type Track,
} from '../lib/api';
import { formatCount } from '../lib/format';

/** Something that hits should be near to or away from, in addition to the words. */
export interface Refinement {
  key: string;
  label: string;
  kind: 'words' | 'track' | 'clip';
  value: string | number;
  /** From -1 (away from) to 1 (near to). */
  weight: number;
}

export interface Filter {
  name: string;
  where: string;
}

/** Parts of the query that undo restores. */
interface Snapshot {
  words: string;
  refinements: Refinement[];
  filters: Filter[];
}

const HITS_PER_PAGE = 30;
const MAX_HITS = 300;
const MAX_HISTORY = 100;
const MAX_SHOWN_IDS = 500;
const TYPING_DELAY_MS = 200;

/** Return a track as a hit without a score (-1), for lists that no search made. */
export function unscoredHit(track: Track): Hit {
  return { track, score: -1, start: 0, end: 0, named: false, missing: false, duplicates: 0 };
}

function createRefinement(
  kind: Refinement['kind'],
  value: string | number,
  label: string,
  weight: number,
): Refinement {
  return { key: `${kind}:${value}`, label, kind, value, weight };
}

function toTerm({ kind, value, weight }: Refinement): Term {
  if (kind === 'words') return { text: String(value), weight };
  if (kind === 'track') return { track: Number(value), weight };
  return { clip: String(value), weight };
}

export class Search {
  words = $state('');
  refinements = $state<Refinement[]>([]);
  filters = $state<Filter[]>([]);
  hits = $state<Hit[]>([]);
  corrections = $state<Correction[]>([]);
  facets = $state<Facets>({});
  milliseconds = $state(0);
  problem = $state('');
  isBusy = $state(false);
  isLibraryEmpty = $state(false);
  /** Why the completed query has no hits; empty if it has any. */
  noHitsReason = $state('');
  /** Query that the hits belong to; it also colours the waveform and the map. */
  completedQuery = $state<Query>({ terms: [] });
  /** Description of hits that no search made, such as a region of the map; else empty. */
  listLabel = $state('');

  private history = $state<Snapshot[]>([]);
  private limit = HITS_PER_PAGE;
  private request: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** All active filters as one. */
  get where(): string {
    return this.filters.map((filter) => `(${filter.where})`).join(' and ');
  }

  get query(): Query {
    const words = this.words.trim();
    const terms: Term[] = words ? [{ text: words, weight: 1 }] : [];
    terms.push(...this.refinements.filter((one) => one.weight !== 0).map(toTerm));
    return { terms, where: this.where, limit: this.limit };
  }

  get canUndo(): boolean {
    return this.history.length > 0;
  }

  get mayHaveMore(): boolean {
    return !this.listLabel && this.hits.length === this.limit && this.limit < MAX_HITS;
  }

  /** Run the query, unless it is empty; a request in progress is cancelled. */
  async run(limit = HITS_PER_PAGE): Promise<void> {
    clearTimeout(this.timer);
    this.request?.abort();
    this.listLabel = '';
    this.limit = limit;
    const query = this.query;
    if (query.terms.length === 0 && !query.where) {
      this.hits = [];
      this.corrections = [];
      this.problem = '';
      this.noHitsReason = '';
      this.isBusy = false;
      this.completedQuery = query;
      return;
    }
    const request = new AbortController();
    this.request = request;
    this.isBusy = true;
    try {
      const result = await api.search(query, request.signal);
      this.hits = result.hits;
      this.corrections = result.corrections;
      this.noHitsReason = result.no_hits_reason;
      this.milliseconds = result.milliseconds;
      this.problem = '';
      this.completedQuery = query;
    } catch (error) {
      if (request.signal.aborted) return;
      this.hits = [];
      this.problem = errorMessage(error);
    } finally {
      if (this.request === request) this.isBusy = false;
    }
  }

  /** Run the query when the last change is 200 ms ago. */
  runDebounced(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run(), TYPING_DELAY_MS);
  }

  /** Run the query for one more page of hits. */
  loadMore(): void {
    void this.run(Math.min(MAX_HITS, this.limit + HITS_PER_PAGE));
  }

  /** Load the values to filter by, with their counts. */
  async loadFacets(): Promise<void> {
    try {
      this.facets = (await api.facets(this.where)).facets;
    } catch {
      this.facets = {};
    }
  }

  toggleFilter(name: string, where: string): void {
    this.saveSnapshot();
    const isActive = this.filters.some((filter) => filter.where === where);
    this.filters = isActive
      ? this.filters.filter((filter) => filter.where !== where)
      : [...this.filters, { name, where }];
    void this.run();
    void this.loadFacets();
  }

  /** Remove all filters, and run the query without them. */
  removeFilters(): void {
    this.saveSnapshot();
    this.filters = [];
    void this.run();
    void this.loadFacets();
  }

  addRefinement(
    label: string,
    kind: Refinement['kind'],
    value: string | number,
    weight: number,
  ): void {
    this.saveSnapshot();
    this.mergeRefinements([createRefinement(kind, value, label, weight)]);
    void this.run();
  }

  removeRefinement(key: string): void {
    this.saveSnapshot();
    this.refinements = this.refinements.filter((one) => one.key !== key);
    void this.run();
  }

  /** Refine by a remark: "calmer", "without drums", "more like the second one", "after 1990". */
  async refineByText(remark: string): Promise<void> {
    this.problem = '';
    try {
      const shown = this.hits.map((hit) => hit.track);
      const ids = shown.slice(0, MAX_SHOWN_IDS).map((track) => track.id);
      const { terms, where } = await api.refine(remark, ids);
      this.saveSnapshot();
      this.mergeRefinements(
        terms.map(({ text, track, weight }) => {
          if (track === null) return createRefinement('words', text ?? '', text ?? '', weight);
          const title = shown.find((one) => one.id === track)?.title ?? 'a track';
          return createRefinement('track', track, title, weight);
        }),
      );
      if (where) {
        const name = where.replaceAll('year ', '').replace(' and ', ' ');
        this.filters = [...this.filters.filter((one) => one.where !== where), { name, where }];
        void this.loadFacets();
      }
      await this.run();
    } catch (error) {
      this.problem = errorMessage(error);
    }
  }

  /** Search by the sound of a track alone. */
  searchByTrack(title: string, id: number): void {
    this.replaceQuery(createRefinement('track', id, title, 1));
  }

  /** Search by the sound of an audio file alone. */
  async searchByFile(file: File): Promise<void> {
    this.isBusy = true;
    this.problem = '';
    try {
      const { clip } = await api.uploadClip(file);
      this.replaceQuery(createRefinement('clip', clip, file.name, 1));
    } catch (error) {
      const message = errorMessage(error);
      this.problem = error instanceof ApiError ? `${file.name}: ${message}` : message;
      this.isBusy = false;
    }
  }

  /** Show the first tracks of a list that no search made. */
  showTracks(tracks: Track[], label: string, total: number): void {
    this.request?.abort();
    this.isBusy = false;
    this.problem = '';
    this.corrections = [];
    this.hits = tracks.map(unscoredHit);
    const cut = total > tracks.length ? `, the first ${tracks.length}` : '';
    this.listLabel = `${formatCount(total, 'track')} ${label}${cut}`;
  }

  /** Restore the query before the last change. */
  undo(): void {
    const last = this.history.at(-1);
    if (!last) return;
    this.history = this.history.slice(0, -1);
    this.words = last.words;
    this.refinements = last.refinements;
    const where = this.where;
    this.filters = last.filters;
    if (this.where !== where) void this.loadFacets();
    void this.run();
  }

  private replaceQuery(refinement: Refinement): void {
    this.saveSnapshot();
    this.words = '';
    this.refinements = [refinement];
    void this.run();
  }

  private mergeRefinements(added: Refinement[]): void {
    const keys = new Set(added.map((one) => one.key));
    this.refinements = [...this.refinements.filter((one) => !keys.has(one.key)), ...added];
  }

  private saveSnapshot(): void {
    const { words, refinements, filters } = this;
    const snapshot = $state.snapshot({ words, refinements, filters });
    if (JSON.stringify(snapshot) !== JSON.stringify(this.history.at(-1))) {
      this.history = [...this.history.slice(-MAX_HISTORY), snapshot];
    }
  }
}

export const search = new Search();
