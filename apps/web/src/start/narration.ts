import type { SequenceRow } from '../calls/sequence.ts';
import { partyLabel } from '../calls/services.ts';

/** A step in a few plain sentences, for somebody who has never heard of any of this. Terms come after what they mean. */
export function narrate(row: SequenceRow, rows: readonly SequenceRow[]): string {
  const [from, to] = [partyLabel(row.from), partyLabel(row.to)];
  if (row.refusal !== undefined) return `${to} refuses: ${row.refusal}. The call ends here.`;
  switch (row.kind) {
    case 'call':
      return callText(row, rows, from, to);
    case 'exchange':
      return rows.findIndex(({ kind }) => kind === 'exchange') === rows.indexOf(row)
        ? `${from} has to ask the next service. Your token is not good there, and ${from} does not pass it on. It gives your token to the token service and gets another one: good at one service only, still about you, and with the name of ${from} in it. That name stands in a claim called act.`
        : `${from} has to ask one more service, and does the same. The new token names both: ${from} acts now, on behalf of the service before it.`;
    case 'cached':
      return `${from} still has the token of an earlier call in memory, so it asks nobody.`;
    case 'issue':
      return 'The token service issues a token to itself, because it has a question of its own. It is about no person.';
    case 'answer':
      return 'The answer comes back to you. Every token was good at one service alone, and none was forwarded.';
  }
}

function callText(row: SequenceRow, rows: readonly SequenceRow[], from: string, to: string): string {
  if (rows.indexOf(row) === 0)
    return `Your browser calls ${to} and sends your token. The token is signed. It says that it is about you, and that ${to} alone may accept it.`;
  if (row.from === 'sts') return `${from} asks ${to} with that token, in its own name.`;
  const isSecond = rows.some(
    (other) => other !== row && other.to === row.to && rows.indexOf(other) < rows.indexOf(row),
  );
  if (isSecond) return `${from} calls ${to} once more, with the same token.`;
  return `${from} calls ${to} with the new token. ${to} reads in it whom the call is about, that it is meant for ${to}, and which service acts.`;
}
