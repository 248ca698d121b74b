// The question that is asked, and its answer: the one state that the whole page shares.

import { api, Refused, type Facets, type Hit, type QueryIn, type Slip, type TermIn, type Track } from './api';

/** A thing to be near to or away from, beside the words in the search box. */
export interface Refinement {
  key: string;
  label: string;
  kind: 'words' | 'track' | 'clip';
  value: string | number;
  weight: number;
}

const PAGE = 30;
const MOST = 300;

class Search {
  words = $state('');
  refinements = $state<Refinement[]>([]);
  filters = $state<{ name: string; where: string }[]>([]);
  hits = $state<Hit[]>([]);
  slips = $state<Slip[]>([]);
  facets = $state<Facets>({});
  milliseconds = $state(0);
  problem = $state('');
  busy = $state(false);
  /** What the hits answer; the player colours its waveform by it. */
  answered = $state<QueryIn>({ terms: [] });
  /** Where the hits come from when nothing was asked, such as a region of the map. */
  shown = $state('');

  private limit = PAGE;
  private running: AbortController | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  get where(): string {
    return this.filters.map((filter) => `(${filter.where})`).join(' and ');
  }

  get query(): QueryIn {
    const terms: TermIn[] = [];
    const words = this.words.trim();
    if (words) terms.push({ text: words, weight: 1 });
    for (const { kind, value, weight } of this.refinements) {
      if (weight === 0) continue;
      if (kind === 'words') terms.push({ text: String(value), weight });
      else if (kind === 'track') terms.push({ track: Number(value), weight });
      else terms.push({ clip: String(value), weight });
    }
    return { terms, where: this.where, limit: this.limit };
  }

  get mayHaveMore(): boolean {
    return !this.shown && this.hits.length === this.limit && this.limit < MOST;
  }

  /** Asks a moment after the last change, so that typing asks once. */
  later(): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.now(), 200);
  }

  async now(limit = PAGE): Promise<void> {
    clearTimeout(this.waiting);
    this.running?.abort();
    this.shown = '';
    this.limit = limit;
    const query = this.query;
    if (query.terms.length === 0 && !query.where) {
      this.hits = [];
      this.slips = [];
      this.problem = '';
      this.busy = false;
      this.answered = query;
      return;
    }
    const running = new AbortController();
    this.running = running;
    this.busy = true;
    try {
      const found = await api.search(query, running.signal);
      this.hits = found.hits;
      this.slips = found.slips;
      this.milliseconds = found.milliseconds;
      this.problem = '';
      this.answered = query;
    } catch (error) {
      if (running.signal.aborted) return;
      this.hits = [];
      this.problem = error instanceof Refused ? error.message : 'something went wrong';
    } finally {
      if (this.running === running) this.busy = false;
    }
  }

  /** A track that was not searched for: it has no score. */
  asHit(track: Track): Hit {
    return { track, score: -1, start: 0, end: 0, named: false, missing: false, copies: 0 };
  }

  show(tracks: Track[], label: string, total: number): void {
    this.running?.abort();
    this.busy = false;
    this.problem = '';
    this.slips = [];
    this.hits = tracks.map((track) => this.asHit(track));
    this.shown = `${total.toLocaleString('en')} tracks ${label}${total > tracks.length ? `, the first ${tracks.length}` : ''}`;
  }

  more(): void {
    void this.now(Math.min(MOST, this.limit + PAGE));
  }

  async count(): Promise<void> {
    try {
      this.facets = (await api.facets(this.where)).facets;
    } catch {
      this.facets = {};
    }
  }

  toggle(name: string, where: string): void {
    const has = this.filters.some((filter) => filter.where === where);
    this.filters = has
      ? this.filters.filter((filter) => filter.where !== where)
      : [...this.filters, { name, where }];
    void this.now();
    void this.count();
  }

  refine(label: string, kind: Refinement['kind'], value: string | number, weight = 1): void {
    const key = `${kind}:${value}`;
    const others = this.refinements.filter((one) => one.key !== key);
    this.refinements = [...others, { key, label, kind, value, weight }];
    void this.now();
  }

  /** What sounds like a track, and nothing else. */
  similarTo(label: string, id: number): void {
    this.words = '';
    this.refinements = [];
    this.refine(label, 'track', id);
  }

  drop(key: string): void {
    this.refinements = this.refinements.filter((one) => one.key !== key);
    void this.now();
  }

  async send(file: File): Promise<void> {
    this.busy = true;
    this.problem = '';
    try {
      const { clip } = await api.sendClip(file);
      this.words = '';
      this.refinements = [];
      this.refine(file.name, 'clip', clip);
    } catch (error) {
      this.problem = error instanceof Refused ? `${file.name}: ${error.message}` : 'something went wrong';
      this.busy = false;
    }
  }
}

export const search = new Search();
