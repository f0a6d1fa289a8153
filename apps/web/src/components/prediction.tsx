import { useId } from 'react';
import type { Guess } from '../experiments/experiment.ts';
import css from './prediction.module.css';

export interface PredictionProps {
  readonly guess: Guess;
  readonly chosen: string | undefined;
  /** It was tried: the right answer is marked, and nothing can be chosen any more. */
  readonly isOver: boolean;
  readonly onChoose: (option: string) => void;
}

/** The visitor says what will happen. */
export function Prediction({ guess, chosen, isOver, onChoose }: PredictionProps) {
  const name = useId();
  const { question, options, right } = guess;
  const wasRight = chosen === options[right];
  return (
    <fieldset className={css.prediction}>
      <legend>{question}</legend>
      {options.map((option, index) => (
        <label key={option} className="check">
          <input
            type="radio"
            name={name}
            checked={chosen === option}
            disabled={isOver && chosen !== option}
            onChange={() => onChoose(option)}
          />
          <span>
            {option}
            {isOver && index === right && <strong className={css.right}> ✓ this happened</strong>}
          </span>
        </label>
      ))}
      <output className={css.verdict}>
        {isOver && chosen !== undefined && (wasRight ? 'You were right.' : 'It went another way.')}
      </output>
    </fieldset>
  );
}
