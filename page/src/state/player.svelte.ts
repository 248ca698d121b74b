/** State of the player: the current hit, and the queue that it belongs to. */

import type { Hit } from '../lib/api';

class Player {
  hit = $state<Hit>();
  /** Follows the audio element, which may also be paused by the browser or by media keys. */
  isPaused = $state(true);
  audio: HTMLAudioElement | undefined;
  /** Hits at the time of the start: a later search does not change what plays next. */
  private queue: Hit[] = [];

  /** Play a hit from its best matching moment. */
  start(hit: Hit, queue: Hit[]): void {
    this.queue = queue;
    this.hit = hit;
  }

  /** Pause or resume. */
  toggle(): void {
    if (this.audio?.paused) void this.audio.play().catch(() => undefined);
    else this.audio?.pause();
  }

  /** Check whether a track is the current one. */
  isCurrent(id: number): boolean {
    return this.hit?.track.id === id;
  }

  /** Go forward or back in the queue; stay at its ends. */
  step(by: number): void {
    const position = this.queue.findIndex((hit) => hit.track.id === this.hit?.track.id);
    const next = this.queue[position + by];
    if (position >= 0 && next) this.hit = next;
  }
}

export const player = new Player();
