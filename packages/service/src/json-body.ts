import express, { type RequestHandler } from 'express';
import { problem } from './problem.ts';

/**
 * Reads a JSON body, at most `limitBytes` (default 16 KiB): 415 for anything that does not call itself
 * `application/json`, 413 past the limit, 400 for what does not parse. Mount it behind authentication:
 * a token is read before a body. Not checked: the shape.
 */
export function jsonBody({ limitBytes = 16 * 1024 }: { limitBytes?: number } = {}): RequestHandler[] {
  return [requireJson, express.json({ limit: limitBytes, strict: true, inflate: false })];
}

const requireJson: RequestHandler = (request, _response, next) => {
  const [mediaType = ''] = (request.get('content-type') ?? '').split(';', 1);
  if (mediaType.trim().toLowerCase() === 'application/json') {
    next();
    return;
  }
  next(
    problem({
      status: 415,
      type: 'unsupported-media-type',
      detail: 'Send application/json.',
      headers: { 'Accept-Post': 'application/json' },
    }),
  );
};
