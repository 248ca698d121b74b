// What is heard: one track of the hits, from the passage that fits.

import type { Hit } from './api';

class Playing {
  hit = $state<Hit>();
  /** As the audio element says; it alone knows. */
  paused = $state(true);
  audio: HTMLAudioElement | undefined;
  /** The hits as they were when one of them was started, so that a new search does not cut in. */
  private queue: Hit[] = [];

  start(hit: Hit, queue: Hit[]): void {
    this.queue = queue;
    this.hit = hit;
  }

  toggle(): void {
    if (this.audio?.paused) void this.audio.play().catch(() => undefined);
    else this.audio?.pause();
  }

  isOf(id: number): boolean {
    return this.hit?.track.id === id;
  }

  step(by: number): void {
    const at = this.queue.findIndex((hit) => hit.track.id === this.hit?.track.id);
    const next = this.queue[at + by];
    if (at >= 0 && next) this.hit = next;
  }
}

export const playing = new Playing();

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
