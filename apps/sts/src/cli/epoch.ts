import { CommandError, type Command } from './context.ts';

/**
 * `epoch raise`: every sign-in and every token up to now is dead on every replica, for good; people sign in again. For the
 * time after a back-up was restored: it has forgotten what was revoked since it was made.
 */
export const epoch: Command = async ([action, ...rest], { state, print }) => {
  if (action !== 'raise' || rest.length > 0) throw new CommandError('epoch raise');
  await state.revocation.raiseEpoch();
  print('everything signed in or issued up to now is dead');
};
