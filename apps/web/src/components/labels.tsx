import { partyLabel, type ServiceName } from '../calls/services.ts';
import { formatMoney } from '../text/money.ts';

/** An amount in the way of the reader's locale, isolated from the writing direction around it. */
export function Money({ amount, currency }: { amount: string; currency: string }) {
  return <bdi>{formatMoney(amount, currency)}</bdi>;
}

/** A service: its shape, its colour and its name. `withId`: its identifier in small print, where that is another. */
export function ServiceLabel({
  name: { label, id, party },
  withId = false,
}: {
  name: ServiceName;
  withId?: boolean;
}) {
  return (
    <span className="service">
      <span className="chip" data-service={party}>
        <bdi>{label}</bdi>
      </span>
      {withId && id !== label && <small>{id}</small>}
    </span>
  );
}

/** A party of a call, as a chip. */
export function PartyChip({ party }: { party: string }) {
  return (
    <span className="chip" data-service={party}>
      <bdi>{partyLabel(party)}</bdi>
    </span>
  );
}

/** Where something is specified, with links: `RFC 8693 §2.1, §4.1`. A line ends between two of them only. */
export function Source({ text }: { text: string }) {
  const places = text.split(', ');
  return (
    <span className="source">
      {places.map((place, index) => {
        const words = place.replaceAll(' ', '\u00a0');
        const address = rfcAddress(place, places.slice(0, index));
        return (
          <span key={place}>
            {index > 0 ? ', ' : ''}
            {address === undefined ? words : <a href={address}>{words}</a>}
          </span>
        );
      })}
    </span>
  );
}

/** Undefined for what is no RFC. A section alone belongs to the RFC before it. */
function rfcAddress(place: string, before: readonly string[]): string | undefined {
  const named = place.startsWith('§') ? before.findLast((earlier) => !earlier.startsWith('§')) : place;
  const rfc = /^RFC (\d+)/.exec(named ?? '')?.[1];
  const section = /§([\d.]+)/.exec(place)?.[1];
  if (rfc === undefined) return undefined;
  return `https://www.rfc-editor.org/rfc/rfc${rfc}${section === undefined ? '' : `#section-${section}`}`;
}
