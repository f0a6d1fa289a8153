import type { Step } from '../api/steps.ts';
import { partiesOf, rowsOf } from './sequence.ts';
import { partyLabel } from './services.ts';

/** The diagram as the text of a Mermaid sequence diagram. */
export function mermaidOf(steps: readonly Step[]): string {
  const participants = partiesOf(steps).map((party) => `  participant ${party} as ${partyLabel(party)}`);
  const arrows = rowsOf(steps).map(({ from, to, kind, label, refusal }) => {
    const arrow = refusal !== undefined ? '--x' : kind === 'answer' ? '-->>' : '->>';
    const text = [label, refusal].filter(Boolean).join(', ');
    return `  ${from}${arrow}${to}: ${text.replaceAll(/[;#]/g, ' ')}`;
  });
  return ['sequenceDiagram', ...participants, ...arrows, ''].join('\n');
}

const LANE = 190;
const ROW = 46;
const TOP = 70;

/** The diagram as an SVG document, for slides and pages elsewhere. */
export function svgOf(steps: readonly Step[]): string {
  const parties = partiesOf(steps);
  const rows = rowsOf(steps);
  const [width, height] = [parties.length * LANE, TOP + (rows.length + 1) * ROW];
  const middle = (party: string) => LANE * (parties.indexOf(party) + 0.5);
  const lanes = parties.map(
    (party) => `
  <line x1="${middle(party)}" y1="48" x2="${middle(party)}" y2="${height - 12}" stroke="#8a8f9a" stroke-dasharray="4 4"/>
  <rect x="${middle(party) - 72}" y="14" width="144" height="34" rx="8" fill="#f3f1ec" stroke="#8a8f9a"/>
  <text x="${middle(party)}" y="36" text-anchor="middle" font-weight="700">${escape(partyLabel(party))}</text>`,
  );
  const arrows = rows.map(({ from, to, label, refusal, kind }, index) => {
    const [x1, x2, y] = [middle(from), middle(to), TOP + (index + 1) * ROW];
    const colour = refusal === undefined ? (kind === 'exchange' ? '#2456d6' : '#1b1d22') : '#b3261e';
    const text = [label, refusal && `✕ ${refusal}`].filter(Boolean).join(', ');
    const mark =
      x1 === x2
        ? `<circle cx="${x1}" cy="${y}" r="5" fill="#fff" stroke="${colour}" stroke-width="2"/>`
        : `<line x1="${x1}" y1="${y}" x2="${x2 + (x1 < x2 ? -7 : 7)}" y2="${y}" stroke="${colour}" stroke-width="2"/>
  <path d="M${x2} ${y} l${x1 < x2 ? -9 : 9} -5 v10 z" fill="${colour}"/>`;
    const anchor = (x1 + x2) / 2;
    return `
  ${mark}
  <text x="${Math.min(Math.max(anchor, 150), width - 150)}" y="${y - 8}" text-anchor="middle" font-size="12" fill="${colour}" stroke="#fff" stroke-width="4" paint-order="stroke">${escape(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="14">
  <rect width="100%" height="100%" fill="#fff"/>${lanes.join('')}${arrows.join('')}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
