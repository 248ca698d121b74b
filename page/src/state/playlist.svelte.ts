/** State of the playlist: stored in this browser until it is exported. */

import { api, errorMessage, type Track } from '../lib/api';
import { formatCount } from '../lib/format';

const STORAGE_KEY = 'playlist';
const PATH_LENGTH = 10;

export class Playlist {
  tracks = $state<Track[]>([]);
  problem = $state('');
  /** Last change, for screen readers. */
  announcement = $state('');

  private library = '';

  /** Read the stored playlist of a library: ids of tracks are valid within their library. */
  open(library: string): void {
    this.library = library;
    this.tracks = readStored(`${STORAGE_KEY}-${library}`);
  }

  has(id: number): boolean {
    return this.tracks.some((track) => track.id === id);
  }

  /** Append tracks; those that are in the playlist already are left out. */
  add(...tracks: Track[]): void {
    const added = tracks.filter((track) => !this.has(track.id));
    this.tracks = [...this.tracks, ...added];
    this.announcement =
      added.length === 1
        ? `${added[0]?.title} added`
        : `${formatCount(added.length, 'track')} added`;
    this.store();
  }

  remove(id: number): void {
    this.tracks = this.tracks.filter((track) => track.id !== id);
    this.announcement = 'removed';
    this.store();
  }

  move(from: number, to: number): void {
    const track = this.tracks[from];
    if (!track || to < 0 || to >= this.tracks.length || from === to) return;
    const rest = this.tracks.filter((_, n) => n !== from);
    rest.splice(to, 0, track);
    this.tracks = rest;
    this.announcement = `${track.title} is now number ${to + 1}`;
    this.store();
  }

  clear(): void {
    this.tracks = [];
    this.store();
  }

  /** Append tracks that match all of the playlist. */
  async extend(): Promise<void> {
    await this.attempt(async () => {
      const result = await api.extendPlaylist(this.tracks.map((track) => track.id));
      this.add(...result.hits.map((hit) => hit.track));
    });
  }

  /** Replace all tracks between the first and the last by a path from one to the other. */
  async pathBetweenEnds(): Promise<void> {
    const first = this.tracks[0];
    const last = this.tracks.at(-1);
    if (!first || !last || first.id === last.id) return;
    await this.attempt(async () => {
      this.tracks = (await api.path(first.id, last.id, PATH_LENGTH)).tracks;
      this.announcement = `a path of ${formatCount(this.tracks.length, 'track')}`;
      this.store();
    });
  }

  /** Download the playlist as an m3u8 file. */
  async download(): Promise<void> {
    await this.attempt(async () => {
      const file = await api.exportPlaylist(this.tracks.map((track) => track.id));
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = 'playlist.m3u8';
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    this.problem = '';
    try {
      await action();
    } catch (error) {
      this.problem = errorMessage(error);
    }
  }

  private store(): void {
    localStorage.setItem(`${STORAGE_KEY}-${this.library}`, JSON.stringify(this.tracks));
  }
}

function readStored(key: string): Track[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(stored) ? (stored as Track[]) : [];
  } catch {
    return [];
  }
}

export const playlist = new Playlist();
