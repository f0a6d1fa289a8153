import css from './source.module.css';

/** Where something is specified: `RFC 9068 §4, RFC 9700 §2.3`. A line ends between two of them only. */
export function Source({ text }: { text: string }) {
  return (
    <span className={css.source}>
      {text.split(', ').map((place, index) => (
        <span key={place}>{`${index > 0 ? ', ' : ''}${place.replaceAll(' ', '\u00a0')}`}</span>
      ))}
    </span>
  );
}
