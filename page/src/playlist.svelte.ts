// The playlist that is being made: kept in this browser until it is exported.

import { api, sentence, type Track } from './api';

const KEY = 'playlist';

class Playlist {
  tracks = $state<Track[]>(kept());
  problem = $state('');
  said = $state('');

  has(id: number): boolean {
    return this.tracks.some((track) => track.id === id);
  }

  add(...tracks: Track[]): void {
    const fresh = tracks.filter((track) => !this.has(track.id));
    this.tracks = [...this.tracks, ...fresh];
    this.said = fresh.length === 1 ? `${fresh[0]?.title} added` : `${fresh.length} tracks added`;
    this.keep();
  }

  remove(id: number): void {
    this.tracks = this.tracks.filter((track) => track.id !== id);
    this.said = 'removed';
    this.keep();
  }

  move(from: number, to: number): void {
    const track = this.tracks[from];
    if (!track || to < 0 || to >= this.tracks.length || from === to) return;
    const rest = this.tracks.filter((_, n) => n !== from);
    rest.splice(to, 0, track);
    this.tracks = rest;
    this.said = `${track.title} is now number ${to + 1}`;
    this.keep();
  }

  clear(): void {
    this.tracks = [];
    this.keep();
  }

  async extend(): Promise<void> {
    await this.attempt(async () => {
      const found = await api.extend(this.tracks.map((track) => track.id));
      this.add(...found.hits.map((hit) => hit.track));
    });
  }

  /** The first and the last track stay; what lies between becomes the way from one to the other. */
  async pathBetweenEnds(): Promise<void> {
    const first = this.tracks[0];
    const last = this.tracks.at(-1);
    if (!first || !last || first.id === last.id) return;
    await this.attempt(async () => {
      this.tracks = (await api.path(first.id, last.id, 10)).tracks;
      this.said = `a path of ${this.tracks.length} tracks`;
      this.keep();
    });
  }

  async save(): Promise<void> {
    await this.attempt(async () => {
      const file = await api.m3u8(this.tracks.map((track) => track.id));
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = 'playlist.m3u8';
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  private async attempt(what: () => Promise<void>): Promise<void> {
    this.problem = '';
    try {
      await what();
    } catch (error) {
      this.problem = sentence(error);
    }
  }

  private keep(): void {
    localStorage.setItem(KEY, JSON.stringify(this.tracks));
  }
}

function kept(): Track[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(found) ? (found as Track[]) : [];
  } catch {
    return [];
  }
}

export const playlist = new Playlist();
