/** Drawing of a waveform whose colour shows how well each moment matches the query. */

import type { Moment } from './api';

const BAR_PITCH = 3;
const BAR_WIDTH = 2;

/** Return the score (0 to 100) of the window that contains a second; 0 without windows. */
export function scoreAt(moments: Moment[], second: number): number {
  return moments.findLast((moment) => moment.start <= second)?.score ?? 0;
}

/** Return the colour of a bar: from grey to violet as the score rises. */
export function barColour(score: number): string {
  return `hsl(255 ${Math.round(score * 0.9)}% ${Math.round(68 - score * 0.12)}%)`;
}

/** Draw the peaks of a track of `seconds` as bars. */
export function paintWaveform(
  context: CanvasRenderingContext2D,
  peaks: ArrayLike<number>,
  moments: Moment[],
  seconds: number,
): void {
  const { width, height } = context.canvas;
  const bars = Math.max(1, Math.floor(width / BAR_PITCH));
  let highest = 0.01;
  for (let n = 0; n < peaks.length; n += 1) highest = Math.max(highest, Math.abs(peaks[n] ?? 0));
  for (let n = 0; n < bars; n += 1) {
    const peak = Math.abs(peaks[Math.floor((n / bars) * peaks.length)] ?? 0) / highest;
    context.fillStyle = barColour(scoreAt(moments, ((n + 0.5) / bars) * seconds));
    const barHeight = Math.max(2, peak * height * 0.95);
    context.fillRect(n * BAR_PITCH, (height - barHeight) / 2, BAR_WIDTH, barHeight);
  }
}
