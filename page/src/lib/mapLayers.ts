/** Layers that deck.gl draws for the map: one point per track, and the names of the regions. */

import { ScatterplotLayer, TextLayer } from '@deck.gl/layers';
import type { MapPoints } from '../state/map.svelte';
import type { Region } from './api';

export type Rgb = [number, number, number];
export type ColourBy = 'genre' | 'match';

/** Colours of the genres, in the order of the map's list of genres. */
export const GENRE_COLOURS: Rgb[] = [
  [84, 50, 230],
  [230, 120, 20],
  [20, 150, 120],
  [220, 50, 110],
  [50, 130, 230],
  [150, 110, 40],
  [140, 60, 180],
  [90, 150, 30],
  [200, 70, 50],
  [60, 120, 140],
];
const NEUTRAL: Rgb = [140, 136, 150];
const BEST_MATCH = { light: [84, 50, 230] as Rgb, dark: [178, 158, 255] as Rgb };

/** Return RGBA bytes of each point: its genre's colour, or a colour by its score (0 to 100). */
export function pointColours(
  points: MapPoints,
  colourBy: ColourBy,
  scores: Uint8Array | undefined,
  isDark: boolean,
): Uint8Array {
  const rgba = new Uint8Array(4 * points.count);
  const best = isDark ? BEST_MATCH.dark : BEST_MATCH.light;
  for (let n = 0; n < points.count; n += 1) {
    if (colourBy === 'match' && scores) {
      const score = (scores[n] ?? 0) / 100;
      const mixed = NEUTRAL.map((from, k) => Math.round(from + ((best[k] ?? from) - from) * score));
      rgba.set([...mixed, Math.round(50 + 205 * score)], 4 * n);
    } else {
      rgba.set([...(GENRE_COLOURS[points.genreIndices[n] ?? 255] ?? NEUTRAL), 200], 4 * n);
    }
  }
  return rgba;
}

/** Return the layers of the map. */
export function mapLayers(
  points: MapPoints,
  regions: Region[],
  colours: Uint8Array,
  isDark: boolean,
) {
  const { count, positions } = points;
  const tracks = new ScatterplotLayer({
    id: 'tracks',
    data: {
      length: count,
      attributes: {
        getPosition: { value: positions, size: 2 },
        getFillColor: { value: colours, size: 4 },
      },
    },
    getRadius: 1,
    radiusUnits: 'pixels',
    radiusMinPixels: count > 20_000 ? 1.5 : count > 2000 ? 3 : 5,
    pickable: true,
    stroked: false,
  });
  // A text layer without a single character fails: it has no font texture.
  if (regions.length === 0) return [tracks];
  const names = new TextLayer<Region>({
    id: 'regions',
    data: regions,
    getPosition: (region) => [region.x, region.y],
    getText: (region) => region.name,
    getSize: 14,
    fontFamily: 'system-ui, sans-serif',
    fontWeight: 600,
    characterSet: 'auto',
    getColor: isDark ? [241, 239, 246] : [26, 24, 34],
    background: true,
    backgroundPadding: [6, 2],
    getBackgroundColor: isDark ? [29, 27, 36, 210] : [255, 255, 255, 210],
  });
  return [tracks, names];
}
