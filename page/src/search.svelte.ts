// The question that is asked, and its answer: the one state that the whole page shares.

import { api, Refused, sentence, type Facets, type Hit, type QueryIn, type Correction, type TermIn, type Track } from './api';

/** A thing to be near to or away from, beside the words in the search box. */
export interface Refinement {
  key: string;
  label: string;
  kind: 'words' | 'track' | 'clip';
  value: string | number;
  weight: number;
}

/** All that a question consists of, to go back to. */
interface Moment {
  words: string;
  refinements: Refinement[];
  filters: { name: string; where: string }[];
}

function refinement(kind: Refinement['kind'], value: string | number, label: string, weight: number): Refinement {
  return { key: `${kind}:${value}`, label, kind, value, weight };
}

const PAGE = 30;
const REMEMBERED = 100;
const MOST = 300;

class Search {
  words = $state('');
  refinements = $state<Refinement[]>([]);
  filters = $state<{ name: string; where: string }[]>([]);
  hits = $state<Hit[]>([]);
  corrections = $state<Correction[]>([]);
  facets = $state<Facets>({});
  milliseconds = $state(0);
  problem = $state('');
  busy = $state(false);
  /** What the hits answer; the player colours its waveform by it. */
  answered = $state<QueryIn>({ terms: [] });
  /** Where the hits come from when nothing was asked, such as a region of the map. */
  shown = $state('');

  private past = $state<Moment[]>([]);
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

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  private remember(): void {
    const { words, refinements, filters } = this;
    const now = $state.snapshot({ words, refinements, filters });
    if (JSON.stringify(now) !== JSON.stringify(this.past.at(-1))) {
      this.past = [...this.past.slice(-REMEMBERED), now];
    }
  }

  undo(): void {
    const last = this.past.at(-1);
    if (!last) return;
    this.past = this.past.slice(0, -1);
    this.words = last.words;
    this.refinements = last.refinements;
    const counted = this.where;
    this.filters = last.filters;
    if (this.where !== counted) void this.count();
    void this.now();
  }

  /** "calmer", "without drums", "more like the second one": beside what is shown. */
  async say(remark: string): Promise<void> {
    this.problem = '';
    try {
      const shown = this.hits.map((hit) => hit.track);
      const found = await api.refine(remark, shown.slice(0, 500).map((track) => track.id));
      this.remember();
      const fresh = found.terms.map(({ text, track, weight }): Refinement => {
        if (track === null) return refinement('words', text ?? '', text ?? '', weight);
        const label = shown.find((one) => one.id === track)?.title ?? 'a track';
        return refinement('track', track, label, weight);
      });
      const keys = new Set(fresh.map((one) => one.key));
      this.refinements = [...this.refinements.filter((one) => !keys.has(one.key)), ...fresh];
      if (found.where) {
        const name = found.where.replaceAll('year ', '').replace(' and ', ' ');
        this.filters = [...this.filters.filter((one) => one.where !== found.where), { name, where: found.where }];
        void this.count();
      }
      await this.now();
    } catch (error) {
      this.problem = sentence(error);
    }
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
      this.corrections = [];
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
      this.corrections = found.corrections;
      this.milliseconds = found.milliseconds;
      this.problem = '';
      this.answered = query;
    } catch (error) {
      if (running.signal.aborted) return;
      this.hits = [];
      this.problem = sentence(error);
    } finally {
      if (this.running === running) this.busy = false;
    }
  }

  /** A track that was not searched for: it has no score. */
  asHit(track: Track): Hit {
    return { track, score: -1, start: 0, end: 0, named: false, missing: false, duplicates: 0 };
  }

  show(tracks: Track[], label: string, total: number): void {
    this.running?.abort();
    this.busy = false;
    this.problem = '';
    this.corrections = [];
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
    this.remember();
    const has = this.filters.some((filter) => filter.where === where);
    this.filters = has
      ? this.filters.filter((filter) => filter.where !== where)
      : [...this.filters, { name, where }];
    void this.now();
    void this.count();
  }

  refine(label: string, kind: Refinement['kind'], value: string | number, weight = 1): void {
    this.remember();
    const fresh = refinement(kind, value, label, weight);
    this.refinements = [...this.refinements.filter((one) => one.key !== fresh.key), fresh];
    void this.now();
  }

  /** What sounds like a track, and nothing else. */
  similarTo(label: string, id: number): void {
    this.only(label, 'track', id);
  }

  private only(label: string, kind: Refinement['kind'], value: string | number): void {
    this.remember();
    this.words = '';
    this.refinements = [refinement(kind, value, label, 1)];
    void this.now();
  }

  drop(key: string): void {
    this.remember();
    this.refinements = this.refinements.filter((one) => one.key !== key);
    void this.now();
  }

  async send(file: File): Promise<void> {
    this.busy = true;
    this.problem = '';
    try {
      const { clip } = await api.sendClip(file);
      this.only(file.name, 'clip', clip);
    } catch (error) {
      this.problem = error instanceof Refused ? `${file.name}: ${error.message}` : 'something went wrong';
      this.busy = false;
    }
  }
}

export const search = new Search();
